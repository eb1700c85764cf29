//! Templates and how they become texts, row by row. Knows the template language and the names of the
//! columns; not where rows come from, nor what a text may be or cost.

mod blank;
mod grammar;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Object, Rest, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use blank::Blank;

use super::punctuation;

/// The most characters that a template may yield. Far more than a text can hold: a text that is too long
/// gets its own fault, which counts; this only bounds memory.
const MAX_CHARS: usize = 10_000;

/// What one rendering may cost, in the engine's fuel (about one a step, one for every 64 bytes): enough for
/// any message, a few milliseconds at most.
const FUEL: u64 = 20_000;

/// How many blocks and loops may stand within each other.
const RECURSION: usize = 50;

/// How many names a sentence lists.
const LISTED: usize = 30;

/// A column that templates can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its header, as written: for `row["Baki (RM)"]`, and for faults.
    pub header: String,
    /// Its name in templates: `baki_rm`.
    pub name: String,
    /// Which cell of a row it is, from 0.
    pub cell: usize,
}

/// The columns of a spreadsheet by the names that templates use. No two have the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    columns: Vec<Column>,
}

impl Names {
    /// These columns. Of two with one name (or one header) the first is the one meant: it is for the
    /// caller to refuse such a spreadsheet.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns }
    }

    /// Where the column stands that a template calls by this name, or by its header.
    fn position(&self, name: &str, by_header: bool) -> Option<usize> {
        let with_header = || self.columns.iter().position(|column| column.header == name);
        let with_name = || self.columns.iter().position(|column| column.name == name);
        if by_header {
            with_header().or_else(with_name)
        } else {
            with_name()
        }
    }

    /// The sentence about a column that does not exist.
    fn unknown(&self, name: &str) -> String {
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        no_such("column", "columns", name, &names)
    }
}

/// `there is no column "nmae"; did you mean "name"? The columns are: name, town`.
fn no_such(kind: &str, kinds: &str, name: &str, names: &[&str]) -> String {
    let listed = names[..names.len().min(LISTED)].join(", ");
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = format!("there is no {kind} \"{name}\"");
    match nearest(name, names) {
        Some(near) => format!("{what}; did you mean \"{near}\"? The {kinds} are: {listed}{more}"),
        None => format!("{what}; the {kinds} are: {listed}{more}"),
    }
}

/// The name that was probably meant, if one is at least half alike.
fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    names
        .iter()
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &known.to_lowercase()),
                *known,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        // The first of the most alike: `max_by` would give the last.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, known)| known)
}

/// The cells of one row.
pub trait Cells {
    /// The text of the cell at this index, from 0; empty where the row has none.
    fn cell(&self, index: usize) -> &str;
}

impl<S: AsRef<str>> Cells for [S] {
    fn cell(&self, index: usize) -> &str {
        self.get(index).map_or("", AsRef::as_ref)
    }
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateFault {
    line: usize,
    what: String,
}

impl TemplateFault {
    /// The line of the template, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

/// Why a row has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderFault {
    /// The template wants a cell that is blank.
    #[error("column \"{header}\" is blank and the template gives no default")]
    Blank {
        /// The column's header, as written.
        header: String,
    },
    /// Far more than a text can hold.
    #[error("the template yields more than {MAX_CHARS} characters")]
    TooLong,
    /// A loop within a loop over something long.
    #[error("the template takes too many steps")]
    TooManySteps,
    /// A filter or an operator that cannot do with this row's cells.
    #[error("the template fails in line {line}: {what}")]
    Failed {
        /// The line of the template, from 1.
        line: usize,
        /// What the engine says.
        what: String,
    },
}

/// The template engine for one spreadsheet. Shared by all threads.
pub struct Templates {
    engine: Environment<'static>,
    names: Arc<Names>,
}

impl Templates {
    /// An engine whose templates can name these columns.
    #[must_use]
    pub fn new(names: Names) -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_fuel(Some(FUEL));
        engine.set_recursion_limit(RECURSION);
        // Debugging would write every variable into each error: slow, and personal.
        engine.set_debug(false);
        engine.add_filter("default", default);
        engine.add_filter("d", default);
        engine.add_filter("join", join);
        engine.add_filter("float", float);
        engine.add_filter("int", int);
        engine.add_test("defined", |value: Value| !is_missing(&value));
        engine.add_test("undefined", |value: Value| is_missing(&value));
        Self {
            engine,
            names: Arc::new(names),
        }
    }

    /// The template written like this, if it is one and all it names exists.
    pub fn compile<'a>(&'a self, source: &'a str) -> Result<Template<'a>, TemplateFault> {
        let used = grammar::check(source, &self.names)?;
        let mut used: Vec<usize> = used.into_iter().collect();
        used.sort_by_key(|position| self.names.columns[*position].cell);
        let compiled = self
            .engine
            .template_from_named_str("message", source)
            .map_err(|error| grammar::syntax(&error))?;
        Ok(Template {
            compiled,
            shape: Arc::new(Shape {
                names: Arc::clone(&self.names),
                used,
            }),
        })
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// A compiled template. Rendering it takes no lock: one can serve all threads.
#[derive(Debug)]
pub struct Template<'a> {
    compiled: minijinja::Template<'a, 'a>,
    shape: Arc<Shape>,
}

impl Template<'_> {
    /// The columns that the template names, each its header as written and which cell of a row it is, from 0; in the order of
    /// the cells.
    pub fn used(&self) -> impl Iterator<Item = (&str, usize)> {
        self.shape.used.iter().map(|position| {
            let column = &self.shape.names.columns[*position];
            (column.header.as_str(), column.cell)
        })
    }

    /// The text of a row.
    pub fn render<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderFault> {
        let row = Arc::new(Row::new(&self.shape, cells));
        let rendered = self
            .compiled
            .render(Value::from_dyn_object(Arc::clone(&row)));
        // First of all, also where something failed: a blank is then the likeliest reason.
        if let Some(position) = row.fault() {
            return Err(RenderFault::Blank {
                header: self.shape.names.columns[position].header.clone(),
            });
        }
        let rendered = rendered.map_err(|error| failed(&error))?;
        if rendered.len() > MAX_CHARS && rendered.chars().count() > MAX_CHARS {
            return Err(RenderFault::TooLong);
        }
        Ok(rendered)
    }
}

fn failed(error: &Error) -> RenderFault {
    match error.kind() {
        ErrorKind::OutOfFuel => RenderFault::TooManySteps,
        kind => RenderFault::Failed {
            line: error.line().unwrap_or(1),
            what: error
                .detail()
                .map_or_else(|| kind.to_string(), str::to_owned),
        },
    }
}

/// Which columns a template uses: only their cells are handed to the engine, which wants values that own
/// what they hold.
#[derive(Debug)]
struct Shape {
    names: Arc<Names>,
    used: Vec<usize>,
}

/// A row as the engine sees it: the root of all names.
#[derive(Debug)]
struct Row {
    shape: Arc<Shape>,
    /// One for each used column; none for a blank cell.
    values: Vec<Option<Value>>,
    /// The blanks that were looked up, in order. The lock is the row's own: nobody waits for it.
    blanks: Mutex<Vec<Arc<Blank>>>,
}

impl Row {
    fn new<C: Cells + ?Sized>(shape: &Arc<Shape>, cells: &C) -> Self {
        let value = |position: &usize| {
            let cell = cells.cell(shape.names.columns[*position].cell);
            (!is_blank(cell)).then(|| Value::from(cell))
        };
        Self {
            shape: Arc::clone(shape),
            values: shape.used.iter().map(value).collect(),
            blanks: Mutex::default(),
        }
    }

    fn column(&self, name: &str, by_header: bool) -> Option<Value> {
        let names = &self.shape.names;
        // Nearly always: a name of one of a few used columns.
        let slot = if by_header {
            let position = names.position(name, true)?;
            self.shape.used.iter().position(|used| *used == position)?
        } else {
            self.shape
                .used
                .iter()
                .position(|used| names.columns[*used].name == name)?
        };
        let value = self.values.get(slot)?.clone();
        Some(value.unwrap_or_else(|| {
            let blank = Arc::new(Blank::new(self.shape.used[slot]));
            let mut blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
            blanks.push(Arc::clone(&blank));
            Value::from_dyn_object(blank)
        }))
    }

    /// The first column that the template wanted though it is blank.
    fn fault(&self) -> Option<usize> {
        let blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
        blanks.iter().find_map(|blank| blank.fault())
    }
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == "row" {
            return Some(Value::from_object(ByHeader(Arc::clone(self))));
        }
        self.column(key, false)
    }
}

/// What `row` is in a template: the same cells by their columns' headers.
#[derive(Debug)]
struct ByHeader(Arc<Row>);

impl Object for ByHeader {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.column(key.as_str()?, true)
    }
}

/// White space and characters that take no room: nothing a reader would see.
fn is_blank(cell: &str) -> bool {
    cell.chars()
        .all(|c| c.is_whitespace() || punctuation::is_invisible(c))
}

fn is_missing(value: &Value) -> bool {
    Blank::forgive(value) || value.is_undefined()
}

/// `value|default(other)`: the other where the value is missing, or, with a second argument of true, where
/// it counts as false.
// The engine's arguments are values.
#[allow(clippy::needless_pass_by_value)]
fn default(value: Value, arguments: Rest<Value>) -> Result<Value, Error> {
    if arguments.len() > 2 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let lax = arguments.get(1).is_some_and(Value::is_true);
    let other = arguments
        .first()
        .cloned()
        .unwrap_or_else(|| Value::from(""));
    if is_missing(&value) || (lax && !value.is_true()) {
        return Ok(other);
    }
    // It was looked up and is not needed.
    Blank::forgive(&other);
    Ok(value)
}

/// `list|join(", ")`. The engine's own passes over what is undefined.
#[allow(clippy::needless_pass_by_value)]
fn join(items: Value, between: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    for (position, item) in items.try_iter()?.enumerate() {
        if item.is_undefined() {
            return Err(Error::new(
                ErrorKind::UndefinedError,
                "something to join has no value",
            ));
        }
        if position > 0 {
            joined.push_str(between.unwrap_or_default());
        }
        joined.push_str(&item.to_string());
        if joined.len() > MAX_CHARS * 4 {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
    }
    Ok(joined)
}

/// `amount|float`, or what is to stand for a cell that is no number. The engine's own takes `nan` and
/// `inf`, and does not say what it could not read.
#[allow(clippy::needless_pass_by_value)]
fn float(value: Value, otherwise: Option<Value>) -> Result<Value, Error> {
    match as_number(&value) {
        Ok(number) => Ok(Value::from(number)),
        Err(fault) => otherwise.ok_or(fault),
    }
}

/// `amount|int`: like `float`, without what follows the point.
#[allow(clippy::needless_pass_by_value)]
fn int(value: Value, otherwise: Option<Value>) -> Result<Value, Error> {
    let whole = value.as_str().map_or_else(
        || i64::try_from(value.clone()).ok(),
        |text| text.trim().parse::<i64>().ok(),
    );
    match (whole, as_number(&value)) {
        (Some(whole), _) => Ok(Value::from(whole)),
        // Beyond this a float has lost its last digits.
        #[allow(clippy::cast_possible_truncation)]
        (None, Ok(number)) if number.abs() < 9e15 => Ok(Value::from(number.trunc() as i64)),
        (None, Ok(_)) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("\"{value}\" is too large a number"),
        )),
        (None, Err(fault)) => otherwise.ok_or(fault),
    }
}

fn as_number(value: &Value) -> Result<f64, Error> {
    let number = match (value.as_str(), value.kind()) {
        (Some(text), _) => text.trim().parse::<f64>().ok(),
        (None, ValueKind::Number) => f64::try_from(value.clone()).ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("\"{value}\" is not a number"),
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADERS: &[(&str, &str)] = &[
        ("Name", "name"),
        ("No. Tel", "no_tel"),
        ("Town", "town"),
        ("Baki (RM)", "baki_rm"),
        ("Nick", "nick"),
    ];

    /// Everything filled but the last column.
    const FILLED: &[&str] = &["Ali bin Abu", "0123456789", "Ipoh", "1500.50", ""];

    fn engine() -> Templates {
        Templates::new(Names::new(
            HEADERS
                .iter()
                .enumerate()
                .map(|(cell, (header, name))| Column {
                    header: (*header).to_owned(),
                    name: (*name).to_owned(),
                    cell,
                })
                .collect(),
        ))
    }

    fn render(source: &str, cells: &[&str]) -> Result<String, RenderFault> {
        engine()
            .compile(source)
            .unwrap_or_else(|fault| panic!("{source}: {fault}"))
            .render(cells)
    }

    fn fault(source: &str) -> String {
        match engine().compile(source) {
            Ok(_) => panic!("{source} compiles"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn what_filled_cells_render() {
        for (source, text) in [
            ("Hello", "Hello"),
            ("Hi {{ name }}", "Hi Ali bin Abu"),
            ("Hi {{name}}, {{ town }}!", "Hi Ali bin Abu, Ipoh!"),
            ("{{ row[\"Baki (RM)\"] }}", "1500.50"),
            ("{{ row['No. Tel'] }}", "0123456789"),
            (
                "{{ row.Town }}{{ row.town }}{{ row[\"name\"] }}",
                "IpohIpohAli bin Abu",
            ),
            ("{{ name|upper }}", "ALI BIN ABU"),
            ("{{ name|lower|title }}", "Ali Bin Abu"),
            ("{{ name|capitalize }}", "Ali bin abu"),
            ("{{ name|default('friend') }}", "Ali bin Abu"),
            ("{{ name|d('friend') }}", "Ali bin Abu"),
            ("{{ name|split|first }}", "Ali"),
            ("{{ name|split(' ')|last }}", "Abu"),
            ("{{ name|first }}", "A"),
            ("{{ name[:3] }}", "Ali"),
            ("{{ name[-3:] }}", "Abu"),
            ("{{ name|length }}", "11"),
            ("{{ name|replace('bin', 'b.') }}", "Ali b. Abu"),
            ("{{ name ~ ' of ' ~ town }}", "Ali bin Abu of Ipoh"),
            ("{{ [name, town]|join(', ') }}", "Ali bin Abu, Ipoh"),
            ("{{ name if town == 'Ipoh' else 'x' }}", "Ali bin Abu"),
            ("{% if town in ['Ipoh', 'KL'] %}yes{% endif %}", "yes"),
            ("{% if 'bin' in name %}yes{% endif %}", "yes"),
            ("{% if town != 'KL' and name %}yes{% endif %}", "yes"),
            (
                "{% if baki_rm|float >= 1000 %}high{% else %}low{% endif %}",
                "high",
            ),
            (
                "{% if baki_rm|float < 900 %}low{% elif baki_rm|float < 2000 %}mid{% endif %}",
                "mid",
            ),
            ("{% if 1000 <= baki_rm|float < 2000 %}mid{% endif %}", "mid"),
            ("{% if baki_rm|int == 1500 %}yes{% endif %}", "yes"),
            ("{% if name|length > 5 %}long{% endif %}", "long"),
            ("{% if name is startingwith('Ali') %}yes{% endif %}", "yes"),
            ("{% if name is defined %}yes{% endif %}", "yes"),
            ("{{ baki_rm|float * 2 }}", "3001.0"),
            ("{{ (baki_rm|float + 0.25)|round(1) }}", "1500.8"),
            ("{{ baki_rm|int + 1 }}", "1501"),
            ("RM{{ '%.2f'|format(baki_rm|float * 1.06) }}", "RM1590.53"),
            ("{{ town|int(7) }}", "7"),
            ("{{ town|float(0) + 1 }}", "1"),
            (
                "{% set greeting = 'Hi ' ~ name %}{{ greeting }}",
                "Hi Ali bin Abu",
            ),
            ("{% set name = 'You' %}{{ name }}", "You"),
            ("{% with x = town %}{{ x }}{% endwith %}", "Ipoh"),
            (
                "{% for part in name|split %}{{ part|first }}{% if not loop.last %}.{% endif %}{% endfor %}",
                "A.b.A",
            ),
            (
                "{% for x in [name, town] if x %}{{ loop.index }}{{ x }} {% endfor %}",
                "1Ali bin Abu 2Ipoh ",
            ),
            ("{# nothing #}a", "a"),
            ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
            ("a\n{% if name -%}\n  b\n{%- endif %}", "a\nb"),
            ("<b>&\"{{ '<' ~ name ~ '>' }}", "<b>&\"<Ali bin Abu>"),
            // Not needed, so its blank does not matter.
            ("{{ name|default(nick) }}", "Ali bin Abu"),
            ("{{ name or nick }}", "Ali bin Abu"),
            ("{% if town == 'KL' %}{{ nick }}{% endif %}-", "-"),
        ] {
            assert_eq!(render(source, FILLED).as_deref(), Ok(text), "{source}");
        }
    }

    #[test]
    fn a_template_that_is_ready_for_a_blank() {
        for (source, text) in [
            ("{{ nick|default('friend') }}", "friend"),
            ("{{ nick|d('friend') }}", "friend"),
            ("{{ nick|default }}", ""),
            ("{{ nick|default('friend')|upper }}", "FRIEND"),
            ("{{ nick|default(name) }}", "Ali bin Abu"),
            ("{{ nick|default(row.Nick)|default('friend') }}", "friend"),
            ("{{ row['Nick']|default('friend') }}", "friend"),
            ("{{ row.Nick|default('friend') }}", "friend"),
            ("{{ nick or 'friend' }}", "friend"),
            ("{{ nick or name }}", "Ali bin Abu"),
            ("{{ nick if nick else 'friend' }}", "friend"),
            ("{{ 'Dear ' ~ nick if nick }}", ""),
            ("{% if nick %}Dear {{ nick }}{% else %}Hi{% endif %}", "Hi"),
            ("{% if not nick %}Hi{% endif %}", "Hi"),
            ("{% if nick and name %}x{% else %}Hi{% endif %}", "Hi"),
            ("{% if nick is defined %}x{% else %}Hi{% endif %}", "Hi"),
            ("{% if nick is undefined %}Hi{% endif %}", "Hi"),
            ("{% set n = nick %}{% if n %}{{ n }}{% endif %}-", "-"),
            ("{% set n = nick|default('x') %}{{ n }}", "x"),
            (
                "{% for x in [name, nick, town] if x %}{{ x }};{% endfor %}",
                "Ali bin Abu;Ipoh;",
            ),
            ("{{ nick|default('0')|float }}", "0.0"),
            ("{{ [nick|default('x'), name]|join(' ') }}", "x Ali bin Abu"),
            ("{{ nick|default('', true) }}-", "-"),
        ] {
            assert_eq!(render(source, FILLED).as_deref(), Ok(text), "{source}");
        }
    }

    /// Every way to get at a cell that is not one of the forgiving ones above. Each must be a fault for a
    /// blank cell: at once, or in the row; and in the row it must name the column.
    const WAYS: &[&str] = &[
        "{{ nick }}",
        "{{ row.Nick }}",
        "{{ row['Nick'] }}",
        "{{ nick ~ '' }}",
        "{{ 'a' ~ nick }}",
        "{{ nick ~ name }}",
        "{{ [nick] }}",
        "{{ (nick, name) }}",
        "{{ [nick]|join }}",
        "{{ [name, nick]|join(', ') }}",
        "{{ name|join(nick) }}",
        "{{ [name, nick]|list|join }}",
        "{{ [name, nick]|reverse|join }}",
        "{{ [name, nick][1:]|join }}",
        "{{ [name, nick]|last }}",
        "{{ [nick]|first }}",
        "{{ [[nick]]|first|first }}",
        "{{ [name, nick]|length }}",
        "{{ nick[:3] }}",
        "{{ nick[::-1] }}",
        "{{ nick[-3:] }}",
        "{{ nick == '' }}",
        "{{ nick != 'x' }}",
        "{{ nick == nick }}",
        "{% if nick == '' %}a{% endif %}",
        "{% if nick != 'VIP' %}a{% endif %}",
        "{% if nick in ['a'] %}a{% endif %}",
        "{% if nick not in ['a'] %}a{% endif %}",
        "{% if 'a' in nick %}a{% endif %}",
        "{% if name in [nick] %}a{% endif %}",
        "{% if nick|float > 5 %}a{% endif %}",
        "{% if nick|int(0) > 5 %}a{% endif %}",
        "{% if nick|length > 5 %}a{% endif %}",
        "{% if nick is startingwith('a') %}a{% endif %}",
        "{% if name is startingwith(nick) %}a{% endif %}",
        "{% if nick == 'a' == town %}a{% endif %}",
        "{% for c in nick %}{{ c }}{% endfor %}",
        "{% for c in [nick] %}{{ c }}{% endfor %}",
        "{% for c in nick|split %}{{ c }}{% else %}x{% endfor %}",
        "{% set n = nick %}{{ n }}",
        "{% set n = nick %}{% if n %}{% endif %}{{ n }}",
        "{% set n = [nick] %}{% if n %}a{% endif %}",
        "{% with n = nick %}{{ n }}{% endwith %}",
        "{{ nick or nick }}",
        "{{ nick and name }}",
        "{{ name and nick }}",
        "{{ nick or row.Nick }}",
        "{{ nick|default(nick) }}",
        "{{ name if nick == 'a' else town }}",
        "{{ 'x' if name else nick }}{{ nick if name else 'x' }}",
        "{{ name|replace('a', nick) }}",
        "{{ name|replace(nick, 'a') }}",
        "{{ name|split(nick) }}",
        "{{ nick|d(nick)|upper }}",
        "{{ 'Hi %s'|format(nick) }}",
        "{{ 'Hi'|format(nick) }}",
    ];

    #[test]
    fn no_other_way_leads_round_a_blank() {
        let filters = grammar::FILTERS
            .iter()
            .filter(|filter| !["d", "default"].contains(filter));
        let ways = WAYS
            .iter()
            .map(|way| (*way).to_owned())
            .chain(filters.flat_map(|filter| {
                [
                    format!("{{{{ nick|{filter} }}}}"),
                    format!("{{{{ nick|{filter}('a') }}}}"),
                    format!("{{{{ [nick]|{filter} }}}}"),
                    format!("{{{{ [nick, name]|{filter}|string }}}}"),
                ]
            }));
        let mut compiled = 0;
        for way in ways {
            for blank in ["", " ", "\u{A0}", "\t\u{3000}", "\u{200B}"] {
                let engine = engine();
                let Ok(template) = engine.compile(&way) else {
                    continue;
                };
                compiled += 1;
                let mut cells = FILLED.to_vec();
                cells[4] = blank;
                let rendered = template.render(cells.as_slice());
                assert_eq!(
                    rendered,
                    Err(RenderFault::Blank {
                        header: "Nick".to_owned()
                    }),
                    "{way}"
                );
            }
        }
        // The others were refused before the first row.
        assert!(compiled >= 500, "{compiled}");
        assert_eq!(
            render("{{ nick }}", FILLED).unwrap_err().to_string(),
            "column \"Nick\" is blank and the template gives no default"
        );
    }

    /// A blank that was asked about first, and then written all the same.
    #[test]
    fn a_question_does_not_excuse_what_comes_after() {
        for way in [
            "{{ n }}",
            "{{ 'a' ~ n }}",
            "{{ [n, name]|join }}",
            "{{ [n] }}",
            "{{ n|upper }}",
            "{{ n or n }}",
        ] {
            let source = format!("{{% set n = nick %}}{{% if n %}}{{% endif %}}{way}");
            let rendered = render(&source, FILLED);
            assert!(
                matches!(rendered, Err(RenderFault::Blank { .. })),
                "{source}: {rendered:?}"
            );
        }
        for filter in grammar::FILTERS
            .iter()
            .filter(|filter| !["d", "default"].contains(filter))
        {
            let source =
                format!("{{% set n = nick %}}{{% if n %}}{{% endif %}}{{{{ 'a' ~ n|{filter} }}}}");
            if let Ok(template) = engine().compile(&source) {
                assert!(template.render(FILLED).is_err(), "{source}");
            }
        }
    }

    #[test]
    fn a_variable_is_there_only_where_it_is_set_on_every_way() {
        for source in [
            "{% if nick %}{% set x = nick %}{% endif %}{{ x }}",
            "{% if nick %}{% set x = nick %}{% else %}{% set y = name %}{% endif %}{{ x }}",
            "{% if nick %}{% else %}{% set x = name %}{% endif %}{{ [x]|join }}",
            "{% for c in name %}{% set x = c %}{% endfor %}{{ x }}",
            "{% with x = name %}{% endwith %}{{ x }}",
            "{{ x }}{% set x = name %}",
        ] {
            assert!(
                fault(source).contains("there is no column \"x\""),
                "{source}"
            );
        }
        let source = "{% if nick %}{% set x = nick %}{% elif town %}{% set x = town %}{% else %}{% set x = 'y' %}{% endif %}{{ x }}";
        assert_eq!(render(source, FILLED).as_deref(), Ok("Ipoh"));
        let source = "{% if not nick %}{% set nick = 'friend' %}{% endif %}Hi {{ nick }}";
        assert_eq!(render(source, FILLED).as_deref(), Ok("Hi friend"));
    }

    #[test]
    fn what_has_no_value_does_not_vanish() {
        for source in [
            "{{ []|first }}",
            "{{ 'a' ~ []|first }}",
            "{{ [name, []|last]|join(' ') }}",
            "{{ name[50:]|first }}",
            "{{ []|first|upper }}",
            "{{ []|first|trim }}",
            "{{ []|first|string }}",
            "{{ []|first|replace('a', 'b') }}",
            "{% if []|first == name %}{% endif %}",
        ] {
            assert!(
                render(source, FILLED).is_err(),
                "{source}: {:?}",
                render(source, FILLED)
            );
        }
    }

    /// Every filter and test that the engine has of itself: known to us, or refused before the first row.
    #[test]
    fn nothing_built_in_is_let_through_unseen() {
        for filter in [
            "safe",
            "escape",
            "e",
            "dictsort",
            "items",
            "attr",
            "min",
            "max",
            "sort",
            "bool",
            "batch",
            "slice",
            "sum",
            "indent",
            "select",
            "reject",
            "selectattr",
            "rejectattr",
            "map",
            "groupby",
            "unique",
            "chain",
            "zip",
            "pprint",
            "tojson",
            "urlencode",
        ] {
            assert!(
                fault(&format!("{{{{ name|{filter} }}}}")).contains("there is no filter"),
                "{filter}"
            );
        }
        for test in [
            "none",
            "safe",
            "escaped",
            "boolean",
            "odd",
            "even",
            "number",
            "integer",
            "int",
            "float",
            "string",
            "sequence",
            "iterable",
            "mapping",
            "lower",
            "upper",
            "sameas(1)",
            "eq(1)",
            "equalto(1)",
            "ne(1)",
            "lt(1)",
            "lessthan(1)",
            "le(1)",
            "gt(1)",
            "greaterthan(1)",
            "ge(1)",
            "in([1])",
            "true",
            "false",
            "filter",
            "test",
            "divisibleby(2)",
        ] {
            assert!(
                fault(&format!("{{{{ name is {test} }}}}")).contains("there is no test"),
                "{test}"
            );
        }
    }

    #[test]
    fn what_has_no_place_in_a_message() {
        for call in [
            "range(9)",
            "dict()",
            "debug()",
            "namespace()",
            "name.upper()",
            "lipsum()",
            "super()",
            "loop(1)",
        ] {
            assert!(
                fault(&format!("{{{{ {call} }}}}")).contains("there are no functions"),
                "{call}"
            );
        }
        for statement in [
            "{% include 'x' %}",
            "{% import 'x' as y %}",
            "{% from 'x' import y %}",
            "{% extends 'x' %}",
            "{% block a %}{% endblock %}",
            "{% macro m() %}{% endmacro %}",
            "{% call m() %}{% endcall %}",
            "{% do m() %}",
            "{% filter upper %}a{% endfilter %}",
            "{% autoescape true %}{% endautoescape %}",
            "{% set x %}a{% endset %}",
        ] {
            assert!(
                fault(statement).contains("a message is written with"),
                "{statement}"
            );
        }
    }

    #[test]
    fn text_is_not_taken_for_a_number() {
        for source in [
            "{% if baki_rm >= 1000 %}a{% endif %}",
            "{% if 1000 < baki_rm %}a{% endif %}",
            "{% if row.Nick > 1000 %}a{% endif %}",
            "{% if row['Baki (RM)'] > 1000 %}a{% endif %}",
            "{% if baki_rm > nick %}a{% endif %}",
            "{% if baki_rm > '1000' %}a{% endif %}",
            "{% if baki_rm == 1000 %}a{% endif %}",
            "{% if 1000 != baki_rm %}a{% endif %}",
            "{% if baki_rm in [1000, 2000] %}a{% endif %}",
            "{% if baki_rm not in (1000, 2000) %}a{% endif %}",
            "{% if 5 in name %}a{% endif %}",
            "{% if baki_rm|trim > 5 %}a{% endif %}",
            "{% if baki_rm|default(0) > 5 %}a{% endif %}",
            "{% if baki_rm|float('x') > 5 %}a{% endif %}",
            "{% if baki_rm|float(default=nick) > 5 %}a{% endif %}",
            "{% if baki_rm|float < 5 < baki_rm %}a{% endif %}",
            "{% if (baki_rm if name else 5) > 5 %}a{% endif %}",
            "{% if (baki_rm or 5) > 5 %}a{% endif %}",
            "{% if -baki_rm > 5 %}a{% endif %}",
            "{% set x = baki_rm %}{% if x > 5 %}a{% endif %}",
            "{% for x in [baki_rm] %}{% if x > 5 %}a{% endif %}{% endfor %}",
            "{{ 'a' if name > 5 }}",
            "{{ [baki_rm > 5] }}",
            "{{ name[:baki_rm > 5] }}",
            "{{ name|default(baki_rm > 5) }}",
            "{{ baki_rm * 2 }}",
            "{{ 2 * baki_rm }}",
            "{{ baki_rm + nick }}",
            "{{ baki_rm + 1 }}",
            "{{ baki_rm - 1 }}",
            "{{ baki_rm / 2 }}",
            "{{ baki_rm // 2 }}",
            "{{ baki_rm % 2 }}",
            "{{ baki_rm ** 2 }}",
            "{{ baki_rm|round }}",
            "{{ baki_rm|abs }}",
        ] {
            let sentence = fault(source);
            assert!(sentence.contains("|float"), "{source}: {sentence}");
        }
        assert_eq!(
            fault("{% if baki_rm >= 1000 %}a{% endif %}"),
            "line 1: baki_rm is text; write baki_rm|float to compare or reckon with it"
        );
    }

    #[test]
    fn a_cell_that_is_no_number_is_a_fault_of_its_row() {
        for cell in ["RM1,500", "1,500", "abc", "nan", "inf", "1e999", "12.5.1"] {
            for source in [
                "{{ town|float }}",
                "{{ town|int }}",
                "{% if town|float > 5 %}{% endif %}",
            ] {
                let rendered = render(source, &["Ali", "1", cell, "2", ""]);
                assert_eq!(
                    rendered.unwrap_err().to_string(),
                    format!("the template fails in line 1: \"{cell}\" is not a number")
                );
            }
        }
        for (cell, int) in [
            ("12", "12"),
            (" 12 ", "12"),
            ("-3", "-3"),
            ("12.9", "12"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(
                render("{{ town|int }}", &["", "", cell]).as_deref(),
                Ok(int)
            );
        }
    }

    #[test]
    fn the_columns_that_are_used() {
        for (source, used) in [
            ("Hi", &[][..]),
            (
                "{{ town }} {{ name|upper }} {{ name }}",
                &[("Name", 0), ("Town", 2)],
            ),
            (
                "{% if nick %}{{ row['Baki (RM)'] }}{% endif %}{% set x = no_tel %}",
                &[("No. Tel", 1), ("Baki (RM)", 3), ("Nick", 4)],
            ),
            ("{{ nick|default(town) }}", &[("Town", 2), ("Nick", 4)]),
        ] {
            let engine = engine();
            let template = engine.compile(source).unwrap();
            assert_eq!(template.used().collect::<Vec<_>>(), used, "{source}");
        }
    }

    #[test]
    fn unknown_columns() {
        for (source, sentence) in [
            (
                "Hi {{ nmae }}",
                "line 1: there is no column \"nmae\"; did you mean \"name\"? The columns are: name, no_tel, town, baki_rm, nick",
            ),
            (
                "Hi\n{{ Name }}",
                "line 2: there is no column \"Name\"; did you mean \"name\"? The columns are: name, no_tel, town, baki_rm, nick",
            ),
            (
                "{{ xyzzy }}",
                "line 1: there is no column \"xyzzy\"; the columns are: name, no_tel, town, baki_rm, nick",
            ),
            (
                "{{ row['Baki RM'] }}",
                "line 1: there is no column \"Baki RM\"; did you mean \"baki_rm\"? The columns are: name, no_tel, town, baki_rm, nick",
            ),
            (
                "{{ row.nmae }}",
                "line 1: there is no column \"nmae\"; did you mean \"name\"? The columns are: name, no_tel, town, baki_rm, nick",
            ),
        ] {
            assert_eq!(fault(source), sentence);
        }
        for source in [
            "{{ nmae|default('x') }}",
            "{% if nmae %}{% endif %}",
            "{% if name %}{% else %}{{ nmae }}{% endif %}",
            "{{ name|default(nmae) }}",
            "{% for x in [name] %}{% endfor %}{{ x }}",
            "{{ loop }}",
            "{{ nmae is defined }}",
            "{% set y = nmae %}",
        ] {
            assert!(fault(source).contains("there is no column"), "{source}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (source, sentence) in [
            (
                "a\n{{ name",
                "line 2: unexpected end of input, expected end of variable block",
            ),
            (
                "{{ name|uper }}",
                "line 1: there is no filter \"uper\"; did you mean \"upper\"? The filters are: abs, ",
            ),
            (
                "{{ name|e }}",
                "line 1: there is no filter \"e\"; the filters are: abs, ",
            ),
            (
                "{{ row }}",
                "line 1: row is the whole row; write row[\"...\"] with a column's header",
            ),
            (
                "{{ row[name] }}",
                "line 1: only row[\"...\"] takes brackets",
            ),
            ("{{ name[0] }}", "line 1: only row[\"...\"] takes brackets"),
            (
                "{{ name.first }}",
                "line 1: only row and loop have parts; a cell is text",
            ),
            (
                "{{ {'a': name} }}",
                "line 1: {...} has no place in a message",
            ),
            ("{% if name %}", "line 1: "),
            ("{% endif %}", "line 1: "),
            ("{{ }}", "line 1: "),
        ] {
            assert!(
                fault(source).starts_with(sentence),
                "{source}: {}",
                fault(source)
            );
        }
    }

    #[test]
    fn endless_work_and_output_are_bounded() {
        let long = "x".repeat(9_000);
        let cells = [long.as_str(), "0123456789"];
        assert_eq!(
            render("{{ name }}", &cells).map(|text| text.len()),
            Ok(9_000)
        );
        assert_eq!(
            render("{{ name }}{{ name }}", &cells),
            Err(RenderFault::TooLong)
        );
        for source in [
            "{% for a in name|list %}{% for b in name|list %}{% endfor %}{% endfor %}",
            "{% for a in no_tel|list %}{% for b in name|list %}{{ name }}{% endfor %}{% endfor %}",
            "{{ name|list|join(name) }}",
            "{{ '%9999999s'|format(name) }}",
        ] {
            assert_eq!(
                render(source, &cells),
                Err(RenderFault::TooManySteps),
                "{source}"
            );
        }
        let nested = "{% if name %}".repeat(5_000);
        assert!(engine().compile(&nested).is_err());
        let brackets = format!("{{{{ {}name{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(engine().compile(&brackets).is_err());
    }

    #[test]
    fn one_template_serves_all_threads() {
        let engine = engine();
        let template = engine
            .compile("Hi {{ name }} of {{ town|default('?') }}")
            .unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let template = &template;
                scope.spawn(move || {
                    for row in 0..200 {
                        let name = format!("{thread}-{row}");
                        let cells = [name.as_str(), "", ""];
                        assert_eq!(
                            template.render(cells.as_slice()),
                            Ok(format!("Hi {name} of ?"))
                        );
                    }
                });
            }
        });
    }

    proptest! {
        #[test]
        fn never_panics(source in any::<String>()) {
            let engine = engine();
            if let Ok(template) = engine.compile(&source) {
                let _ = template.render(FILLED);
            }
        }

        #[test]
        fn never_panics_on_what_looks_like_a_template(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{{", "}}", "{%", "%}", " if ", " for ", " in ", " set ", " endif ", " endfor ", " else ", "name", "nick",
                "row", ".Nick", "|", "default", "join", "split", "(", ")", "[", "]", ":", ",", "~", "==", "<", "=", "'a'",
                "5", "-", "+", " is ", "defined", " not ", " and ", " or ", "float", "x", "\n", "loop", ".index",
            ]), 0..24)
        ) {
            let source = parts.concat();
            let engine = engine();
            if let Ok(template) = engine.compile(&source) {
                let _ = template.render(FILLED);
            }
        }

        #[test]
        fn cells_come_out_as_they_are(name in "\\PC{1,40}", town in any::<String>()) {
            prop_assume!(!is_blank(&name) && !is_blank(&town));
            let text = render("{{ name }}|{{ town }}", &[&name, "", &town]).unwrap();
            prop_assert_eq!(text, format!("{name}|{town}"));
        }
    }
}
