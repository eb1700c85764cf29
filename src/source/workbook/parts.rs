//! The parts of an XLSX or XLSB file.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use quick_xml::events::Event;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::errors::{damaged_by, from_zip, unreadable};
use super::xml::{attribute, reader};
use crate::Result;

/// The parts of a file by their names.
pub(super) struct Parts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// The index of each part by its name in small letters with slashes: not all programs write names as they refer to them.
    indices: HashMap<String, usize>,
}

impl<'a> Parts<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(file)).map_err(from_zip)?;
        let indices = archive
            .file_names_raw()
            .enumerate()
            .map(|(index, name)| (plain(&String::from_utf8_lossy(name)), index))
            .collect();
        Ok(Self { archive, indices })
    }

    /// The name of the main part, which ends like this.
    pub(super) fn main(&self, end: &str) -> Result<String> {
        let names = self.indices.keys().filter(|name| name.ends_with(end));
        names
            .min_by_key(|name| name.len())
            .cloned()
            .ok_or_else(|| unreadable("its main part is missing"))
    }

    /// The names of the parts that the main part refers to, by their relations.
    pub(super) fn targets(&mut self, main: &str) -> Result<HashMap<String, String>> {
        let (folder, name) = main.rsplit_once('/').map_or(("", main), |parts| parts);
        let within = |path: &str| match folder {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        };
        let mut targets = HashMap::new();
        self.read(&within(&format!("_rels/{name}.rels")), |event| {
            if let Event::Start(element) = event
                && element.local_name().as_ref() == "Relationship"
                && let Some(id) = attribute(element, "Id")
                && let Some(target) = attribute(element, "Target")
            {
                let path = match target.strip_prefix('/') {
                    Some(path) => path.to_owned(),
                    None => within(&target),
                };
                targets.insert(id, path);
            }
            true
        })?;
        Ok(targets)
    }

    /// Calls `handle` with each event of a part, until it returns false. An empty element has a start and an end.
    pub(super) fn read(
        &mut self,
        part: &str,
        mut handle: impl FnMut(&Event<'_>) -> bool,
    ) -> Result<()> {
        let mut reader = reader(self.part(part)?);
        let mut buffer = Vec::with_capacity(1024);
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(damaged_by)? {
                Event::Eof => return Ok(()),
                event if !handle(&event) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Whether `is_it` says so of any place of a part, given the bytes from there on: at least ten, but at the end.
    pub(super) fn any(&mut self, part: &str, is_it: impl Fn(&[u8]) -> bool) -> Result<bool> {
        const LOOK_AHEAD: usize = 10;
        let mut part = self.part(part)?;
        let mut bytes = vec![0; 64 * 1024];
        let mut kept = 0;
        loop {
            let read = part.read(&mut bytes[kept..]).map_err(damaged_by)?;
            let end = kept + read;
            let certain = if read == 0 {
                end
            } else {
                end.saturating_sub(LOOK_AHEAD)
            };
            if (0..certain).any(|at| is_it(&bytes[at..end])) {
                return Ok(true);
            }
            if read == 0 {
                return Ok(false);
            }
            bytes.copy_within(certain..end, 0);
            kept = end - certain;
        }
    }

    /// All bytes of a part.
    pub(super) fn bytes(&mut self, part: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.part(part)?
            .read_to_end(&mut bytes)
            .map_err(damaged_by)?;
        Ok(bytes)
    }

    fn part(&mut self, name: &str) -> Result<ZipFile<'_, Cursor<&'a [u8]>>> {
        let index = *self
            .indices
            .get(&plain(name))
            .ok_or_else(|| unreadable(&format!("the part {name} is missing")))?;
        self.archive.by_index(index).map_err(from_zip)
    }
}

fn plain(name: &str) -> String {
    name.replace('\\', "/").to_lowercase()
}
