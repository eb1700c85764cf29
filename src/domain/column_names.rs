//! The names by which the phone column, the message column and the fields of other programs are recognised.

/// Whether the column with this name in a template holds messages.
pub(super) fn is_message_name(name: &str) -> bool {
    ["message", "msg", "sms", "text", "mesej"].contains(&name)
}

/// The names of phone columns in Malaysian offices, in English, Malay and Chinese, as one word and without the words for "number".
/// Left out on purpose: words that as often name something else (`contact`, `number`, `no`, `to`).
#[rustfmt::skip]
const PHONE_WORDS: &[&str] = &[
    "bimbit", "cell", "cellphone", "cellular", "contacthp", "contactmobile", "contactphone", "contacttel",
    "dstno", "fon", "handphone", "hp", "hpphone", "mobile", "mobilehp", "mobilephone", "mobiletel",
    "mobiletelephone", "msisdn", "phone", "phonehp", "phonemobile", "smsphone", "tel", "telbimbit", "telefon",
    "telefonbimbit", "telefonhp", "telephone", "telephonemobile", "telepon", "telhp", "telmobile", "telp",
    "telphone", "whatsapp", "whatsappphone",
    "手提", "手提电话", "手提電話", "手机", "手機", "手电", "流动电话", "流動電話", "电话", "移动电话", "移動電話", "联系手机", "联系电话",
    "联络电话", "聯絡手機", "聯絡電話", "聯繫電話", "行动电话", "行動電話", "電話", "個人電話", "个人电话",
];

/// Words for "number" that may stand before or after them, separately or as one word (`No. Tel`, `PhoneNo`, `手机号码`). The longer
/// ones come first.
const NUMBER_WORDS: &[&str] = &[
    "numbers", "number", "nombor", "nomor", "num", "nos", "no", "号码", "號碼", "号", "號",
];

/// These name a phone number only together with a word for "number": a column `Contact` may hold a person.
const PHONE_WITH_NUMBER: &[&str] = &["contact", "handset", "联系", "联络", "聯絡"];

/// Whether the column with this name in a template holds phone numbers.
pub(super) fn is_phone_name(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let kept: String = words
        .iter()
        .copied()
        .filter(|word| !NUMBER_WORDS.contains(word))
        .collect();
    let bare = without_number_word(&kept);
    PHONE_WORDS.contains(&kept.as_str())
        || PHONE_WORDS.contains(&bare)
        || (bare.len() < words.concat().len() && PHONE_WITH_NUMBER.contains(&bare))
}

/// Whether the column with this name in a template may hold phone numbers, among other things: `phone_1_value`, `billing_phone`.
pub(super) fn mentions_phone(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "phone", "mobile", "telefon", "whatsapp", "手机", "手機", "电话", "電話",
    ];
    let mut words = name.split('_');
    PARTS.iter().any(|part| name.contains(part)) || words.any(|word| PHONE_WORDS.contains(&word))
}

/// The names of columns that hold the country of a phone number: its calling code, or its two letters.
#[rustfmt::skip]
const CALLING_CODES: &[&str] = &[
    "calling_code", "country_calling_code", "country_code", "country_dial_code", "countrycode", "dial_code", "dialing_code",
    "dialling_code", "isd_code", "kod_negara", "mobile_country_code", "phone_code", "phone_country_code", "国家代码", "国家区号",
    "国码", "國碼",
];

/// Whether the column with this name in a template holds the countries of the phone numbers.
pub(super) fn is_calling_code_name(name: &str) -> bool {
    CALLING_CODES.contains(&name)
}

/// `notelefon`, `phonenumber`: the word without a word for "number" at one end, unless nothing is left.
fn without_number_word(word: &str) -> &str {
    let cut = |number: &&str| {
        word.strip_prefix(*number)
            .or_else(|| word.strip_suffix(*number))
    };
    NUMBER_WORDS
        .iter()
        .find_map(cut)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(word)
}

/// What merge fields are usually called besides, as names in templates.
#[rustfmt::skip]
const FIELD_NAMES: &[&str] = &[
    "account", "account_no", "account_number", "address", "akaun", "alamat", "amaun", "amount", "amount_due", "balance", "baki",
    "client", "client_name", "code", "company", "contact_name", "cust_name", "customer", "customer_name", "date", "due_date",
    "email", "f_name", "first_name", "fname", "full_name", "gelaran", "given_name", "invoice_no", "jumlah", "kod",
    "l_name", "last_name", "lname", "location", "masa", "member_name", "middle_name", "nama", "nama_ahli", "nama_anda",
    "nama_depan", "nama_pelajar", "nama_pelanggan", "nama_penerima", "nama_penuh", "nama_pertama", "name", "nick_name",
    "no_akaun", "nombor", "number", "order_id", "order_no", "order_number", "outlet", "panggilan", "parent_name",
    "patient_name", "points", "recipient", "recipient_name", "salutation", "student_name", "surname", "tarikh",
    "tarikh_akhir", "time", "title", "town", "user_name", "your_name",
    "姓名", "名字", "名称", "名稱", "全名", "称呼", "稱呼", "客户", "客戶", "客户名", "客户姓名", "客戶姓名", "客户名称", "会员姓名", "會員姓名",
    "学生姓名", "家长姓名", "收件人", "收件人姓名", "日期", "时间", "時間", "金额", "金額", "余额", "餘額", "地址", "号码", "號碼",
    "订单号", "订单编号", "訂單編號", "公司名称",
];

/// Names of phone columns that are other things in a text: brands, or what stands before a number.
const NOT_AS_FIELDS: &[&str] = &["bimbit", "cell", "fon", "hp", "tel", "whatsapp"];

/// Whether merge fields are usually called this, as a name in templates: `first_name`, `firstname`.
pub(crate) fn is_field_name(name: &str) -> bool {
    let letters = |name: &str| name.replace('_', "");
    let wanted = letters(name);
    FIELD_NAMES.iter().any(|known| letters(known) == wanted)
        || (is_phone_name(name) && !NOT_AS_FIELDS.contains(&name))
}
