//! The names by which the phone column and the message column are recognised.

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
