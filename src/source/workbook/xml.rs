//! Attributes of XML elements.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

/// The value of the attribute with this name, whatever its prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = find(element, |key| local(key) == name)?;
    attribute
        .normalized_value(XmlVersion::Implicit1_0)
        .ok()
        .map(Cow::into_owned)
}

/// The value of the attribute with exactly this name, as it is written: for values without entities.
pub(super) fn text<'a>(element: &'a BytesStart<'_>, name: &str) -> Option<Cow<'a, str>> {
    Some(find(element, |key| key == name)?.value)
}

/// Whether the attribute with this name says yes.
pub(super) fn is_true(element: &BytesStart<'_>, name: &str) -> bool {
    text(element, name).is_some_and(|value| matches!(&*value, "1" | "true" | "on"))
}

fn find<'a>(
    element: &'a BytesStart<'_>,
    is_it: impl Fn(&str) -> bool,
) -> Option<quick_xml::events::attributes::Attribute<'a>> {
    element
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| is_it(attribute.key.as_ref()))
}

fn local(key: &str) -> &str {
    key.rsplit_once(':').map_or(key, |(_, local)| local)
}
