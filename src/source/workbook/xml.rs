//! How the XML of workbooks is read: the reader, and attributes of elements.

use std::borrow::Cow;
use std::io::{BufReader, Read};

use quick_xml::events::BytesStart;
use quick_xml::{Reader, XmlVersion};

/// Reads a part leniently, as spreadsheet programs do. An empty element has a start and an end.
pub(super) fn reader<R: Read>(part: R) -> Reader<BufReader<R>> {
    let mut reader = Reader::from_reader(BufReader::new(part));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.check_comments = false;
    config.expand_empty_elements = true;
    reader
}

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
