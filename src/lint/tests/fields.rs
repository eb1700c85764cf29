//! Fields of other programs in templates, and what only looks like one.

use super::*;
use crate::domain::Templates;

const SHEET: [(&str, &str); 9] = [
    ("First Name", "first_name"),
    ("Nama", "nama"),
    ("No. Tel", "no_tel"),
    ("Baki (RM)", "baki_rm"),
    ("2nd Name", "2nd_name"),
    ("姓名", "姓名"),
    ("Town", "town"),
    ("Amount", "amount"),
    ("Promo", "promo"),
];

static SHEET_LINTER: LazyLock<Linter> = LazyLock::new(|| linter(&SHEET));

fn checked(template: &str) -> Result<(), String> {
    let templates = Templates::new(names(&SHEET), None);
    let template = templates
        .compile(template)
        .map_err(|error| error.to_string())?;
    SHEET_LINTER
        .check_template(&template)
        .map_err(|error| error.to_string())
}

/// A field that means a column of the sheet, as another program writes it, and how it is written here.
const OF_THE_SHEET: &[(&str, &str)] = &[
    // Word, Outlook, LibreOffice
    ("«First Name»", "first_name"),
    ("«First_Name»", "first_name"),
    ("«Baki_RM»", "baki_rm"),
    ("‹Nama›", "nama"),
    ("<<First Name>>", "first_name"),
    ("<First Name>", "first_name"),
    ("{ MERGEFIELD First_Name }", "first_name"),
    ("{MERGEFIELD \"First Name\" \\* MERGEFORMAT}", "first_name"),
    ("≪Nama≫", "nama"),
    // Mailchimp, Campaign Monitor, ActiveCampaign, Salesforce, HubSpot, Zoho, Braze
    ("*|NAMA|*", "nama"),
    ("*|FIRSTNAME|*", "first_name"),
    ("|*NAMA*|", "nama"),
    ("[firstname]", "first_name"),
    ("[firstname,fallback=]", "first_name"),
    ("[First Name, fallback=there]", "first_name"),
    ("%FIRSTNAME%", "first_name"),
    ("%%First Name%%", "first_name"),
    ("%%nama%%", "nama"),
    ("% Nama %", "nama"),
    ("{!Contact.FirstName}", "first_name"),
    ("{!$Contact.Town}", "town"),
    ("${Contacts.First Name}", "first_name"),
    ("${first_name}", "first_name"),
    ("{first_name}", "first_name"),
    ("{FirstName}", "first_name"),
    ("{FIRST NAME}", "first_name"),
    ("{first_name|there}", "first_name"),
    ("{first_name:there}", "first_name"),
    ("{nama, \"friend\"}", "nama"),
    ("{nama!}", "nama"),
    ("{ { nama } }", "nama"),
    ("{nama}}", "nama"),
    ("$[nama]$", "nama"),
    ("[[First Name]]", "first_name"),
    ("[@Nama]", "nama"),
    ("[@[First Name]]", "first_name"),
    ("[Contact.Town]", "town"),
    // Scripts and formulas
    ("$nama", "nama"),
    ("$!town", "town"),
    ("$(nama)", "nama"),
    ("%(nama)s", "nama"),
    ("#{nama}", "nama"),
    ("@{nama}", "nama"),
    ("%{nama}", "nama"),
    ("{$nama}", "nama"),
    ("<%= nama %>", "nama"),
    ("<?= $nama ?>", "nama"),
    ("\" & Nama & \"", "nama"),
    ("\"&[Nama]&\"", "nama"),
    ("&Nama&", "nama"),
    ("#nama#", "nama"),
    ("##NAMA##", "nama"),
    ("@nama@", "nama"),
    ("@@nama@@", "nama"),
    ("|nama|", "nama"),
    ("||nama||", "nama"),
    ("^nama^", "nama"),
    ("$nama$", "nama"),
    ("__nama__", "nama"),
    ("::nama::", "nama"),
    ("`nama`", "nama"),
    ("&lt;nama&gt;", "nama"),
    ("&laquo;First Name&raquo;", "first_name"),
    // As in the sheet, in capitals, in other scripts, with full-width signs
    ("[No. Tel]", "no_tel"),
    ("[NO TEL]", "no_tel"),
    ("[Baki (RM)]", "baki_rm"),
    ("<2nd Name>", "row[\"2nd Name\"]"),
    ("【姓名】", "姓名"),
    ("［姓名］", "姓名"),
    ("｛姓名｝", "姓名"),
    ("｛｛Nama｝｝", "nama"),
    ("＜姓名＞", "姓名"),
    ("《姓名》", "姓名"),
    ("〈姓名〉", "姓名"),
    ("〔姓名〕", "姓名"),
    ("＃姓名＃", "姓名"),
    ("＄｛姓名｝", "姓名"),
    ("％％姓名％％", "姓名"),
    ("［Ｎａｍａ］", "nama"),
];

#[test]
fn a_field_that_names_a_column_is_an_error_that_says_what_to_write() {
    let mut wrong = Vec::new();
    for (field, here) in OF_THE_SHEET {
        for (before, after, line) in [
            ("KedaiKu: Hi ", ", 50% off at our shop", 1),
            ("", "", 1),
            ("Hi {{ nama }}, 20% off\n", ".", 2),
            ("您好", "，欢迎", 1),
        ] {
            let template = format!("{before}{field}{after}");
            let error = match checked(&template) {
                Err(error) if error.starts_with(&format!("line {line}: {field} is not how")) => {
                    error
                }
                other => {
                    wrong.push(format!("{template}: {other:?}"));
                    continue;
                }
            };
            if !error.contains(&format!("; write {{{{ {here} }}}} for the column ")) {
                wrong.push(format!("{template}: {error}"));
            }
            // Either advice is good.
            for advice in [
                format!("{before}{{{{ {here} }}}}{after}"),
                format!("{before}{{% raw %}}{field}{{% endraw %}}{after}"),
            ] {
                if let Err(error) = checked(&advice) {
                    wrong.push(format!("{advice}: {error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(
        checked("Hai,\n«First Name»!").unwrap_err(),
        "line 2: «First Name» is not how a column is written; write {{ first_name }} for the column \"First Name\", \
         or {% raw %}«First Name»{% endraw %} if everyone shall read it as it stands"
    );
}

/// A field of another program that is no column of this sheet.
const OF_NO_SHEET: &[&str] = &[
    "«Last Name»",
    "«Policy_Number»",
    "<<Surname>>",
    "<<customer>>",
    "<Last Name>",
    "[LASTNAME]",
    "[Full Name]",
    "[lastname,fallback=there]",
    "[nickname,fallback=]",
    "*|LNAME|*",
    "*|MERGE3|*",
    "|*EMAIL*|",
    "%LASTNAME%",
    "%%Last Name%%",
    "%%=v(@LastName)=%%",
    "{!Contact.LastName}",
    "{!Account.Owner}",
    "${Leads.Last Name}",
    "${last_name}",
    "{last_name}",
    "{LastName}",
    "{LAST NAME}",
    "{Hi|Hello}",
    "{0}",
    "{1}",
    "%s",
    "%1$s",
    "%(surname)s",
    "#{surname}",
    "{$surname}",
    "$surname",
    "$(surname)",
    "#surname#",
    "@@surname@@",
    "|surname|",
    "^surname^",
    "__surname__",
    "<%= surname %>",
    "<?php echo $x ?>",
    "{ MERGEFIELD Surname }",
    "\"&A2&\"",
    "\" & $B$12 & \"",
    "&lt;Surname&gt;",
    "&laquo;Surname&raquo;",
    "[[surname]]",
    "【客户姓名】",
    "［客户姓名］",
    "《客户姓名》",
    "＜客户姓名＞",
    "｛客户姓名｝",
    "[Contact.LastName]",
    "[phone number]",
    "[Nombor Telefon]",
    "[手机号码]",
];

#[test]
fn a_field_that_names_no_column_is_a_warning() {
    let linter = linter(&SHEET);
    let mut wrong = Vec::new();
    for field in OF_NO_SHEET {
        for template in [
            format!("Hi {field}, thank you"),
            field.to_string(),
            format!("您好{field}，欢迎"),
        ] {
            let text = crate::domain::Text::compose(
                template.as_str(),
                crate::domain::options::TextType::Auto,
                crate::domain::options::Punctuation::Plain,
            )
            .unwrap();
            let found = linter.findings(&text.body, Some(&template));
            let is_found = found.iter().any(|found| found.rule == MergeField);
            if !is_found || checked(&template).is_err() {
                wrong.push(format!("{template}: {found:?}, {:?}", checked(&template)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Templates of honest people, some of them with columns as they are written here.
const HONEST: &[&str] = &[
    "(FREE) Nama: {{ nama }}",
    "*T&C apply*",
    "I <3 {{ town }}",
    "[Ipoh] Hi {{ nama }}",
    "#RayaSale #Promo #Nama",
    "#Promo#Raya#Sale",
    "We are #1! #Promo",
    "50% off, 20% back",
    "Hi %nama%, 50% off",
    "Hi %First Name%, 50% off for %Town%",
    "[%Nama%] {%raw%}{%endraw%}",
    "<%Nama%>",
    "100%%nama%",
    "(Nama: {{ nama }})",
    "[{{ nama }}] <{{ town }}> «{{ promo }}»",
    "RM{{ baki_rm }} / ${{ amount }}",
    "{% if nama %}Nama: {{ nama }}{% endif %}",
    "Nama: {{ nama }} | Town: {{ town }} | Promo",
    "Nama | Town | Promo",
    "Nama|Town|Promo",
    "Nama/Town/Promo",
    "Nama & Town & Promo",
    "Nama: ____ Town: ____",
    "Nama: [      ] Town: [      ]",
    "Isi borang: [Nama: ] [Town: ]",
    "*Nama:* {{ nama }}",
    "*Promo* hari ini",
    "_Promo_ hari ini",
    "~Promo~ hari ini",
    "**PROMO** ends today",
    "== PROMO ==",
    "--- Promo ---",
    "\"Promo\" ends today",
    "'Promo' ends today",
    "“Promo” ends today",
    "‘Promo’ ends today",
    "(Promo) ends today",
    "（姓名）{{ 姓名 }}",
    "姓名：{{ 姓名 }}",
    "「姓名」请填写",
    "【KedaiKu】您好{{ 姓名 }}",
    "《红楼梦》 tickets for {{ nama }}",
    "Follow us @promo or @kedaiku",
    "Email siti@town.my",
    "Email <siti@kedaiku.my>",
    "Save $5 or US$amount",
    "$5-$10 off, C$promo",
    "R&B night, Nama & co",
    "Tom&Town&co",
    "Buka 9am-5pm, 7 hari / 7 days",
    "10:30:00, 12:00::Promo",
    "Umur < 5 and > 3 percuma",
    "3 < 5 > 2",
    "Taip KEDAI<jarak>RAYA",
    "Reply YES / NO",
    "2+1=3, a=b",
    "Up to 70%! Save 30% & 20%",
    "50% Promo, 20% Town",
    "5% 10% 15%",
    ":) :-{ {} [] <> (: ;-)",
    "C:\\Promo\\",
    "Dear {{ nama }},\n* one\n* two\n# three",
    "1. Nama 2. Town 3. Promo",
    "[1] Nama [2] Town",
    "<1> satu <2> dua",
    "Kod: #A12# dan #B34#",
    "^_^ Promo ^_^",
    "@ Town @ 5pm",
    "| Promo |",
    "`",
    "...Promo...",
    "!Promo!",
    "¡Promo!",
    "€5, £5, ¥5 & 5¢",
    "{{ nama }}'s {{ promo }}",
    "{# «Nama» #}Hi",
    "{% raw %}«Nama» [Town] {nama}{% endraw %}",
    "He said: 'Nama & Town'",
    "A&W, H&M, Q&A",
    "Jam 8:00 :: 9:00",
];

#[test]
fn honest_templates_are_left_alone() {
    let wrong: Vec<String> = HONEST
        .iter()
        .filter_map(|template| Some(format!("{template}: {}", checked(template).err()?)))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let linter = linter(&[("Mobile", "mobile")]);
    let wrong: Vec<String> = HONEST
        .iter()
        .filter(|text| !text.contains(['{', '%']))
        .map(|text| (text, linter.findings(text, None)))
        .filter(|(_, found)| found.iter().any(|found| found.rule == MergeField))
        .map(|(text, found)| format!("{text}: {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_field_that_names_no_column_suggests_the_nearest() {
    let linter = linter(&[
        ("Phone", "phone"),
        ("Name", "name"),
        ("Amount Due", "amount_due"),
    ]);
    for (text, hint) in [
        (
            "Hai %Nama%",
            "there is no column \"Nama\"; did you mean \"name\"? The columns are: phone, name, amount_due",
        ),
        (
            "Hai %Nmae%",
            "there is no column \"Nmae\"; did you mean \"name\"? The columns are: phone, name, amount_due",
        ),
        (
            "Hai {nama}",
            "there is no column \"nama\"; did you mean \"name\"? The columns are: phone, name, amount_due",
        ),
        (
            "Hai [NAMA]",
            "there is no column \"NAMA\"; did you mean \"name\"? The columns are: phone, name, amount_due",
        ),
        (
            "Hai «Amount Deu»",
            "there is no column \"Amount Deu\"; did you mean \"amount_due\"? The columns are: phone, name, amount_due",
        ),
        (
            "您好【姓名】",
            "there is no column \"姓名\"; the columns are: phone, name, amount_due",
        ),
        (
            "RM %jumlah%",
            "there is no column \"jumlah\"; the columns are: phone, name, amount_due",
        ),
    ] {
        let found = linter.findings(text, None);
        assert_eq!(found[0].hint.as_deref(), Some(hint), "{text}");
    }
    for text in ["Hai #N/A", "Hai nan", "Hai {0}", "RM (null)", "Hai [Name]"] {
        assert_eq!(linter.findings(text, None)[0].hint, None, "{text}");
    }
}
