//! Tests of conditions: what is refused and where, and that what is accepted means what CEL says.

use cel::{Context, Program, Value};

use super::*;
use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Bilingual, Currency, Money, SpanMs};
use crate::engine::fact::Feed;
use crate::engine::purpose::Purpose;
use crate::engine::rule::Interval;
use crate::engine::signal::{Aggregate, Question, Reads};
use crate::engine::subject::SubjectKind;

fn yuan(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

fn signal(name: &str, reads: Reads) -> Signal {
    Signal {
        name: name.to_owned(),
        subject: SubjectKind::Account,
        reads,
        purpose: Purpose::ANTI_FRAUD,
        basis: String::new(),
        report: None,
        title: Bilingual::default(),
    }
}

fn signals() -> Vec<Signal> {
    let log = |aggregate| Reads::Log(Question::sliding(Feed::TransferPayee.bit(), aggregate, SpanMs::DAY));
    vec![
        signal("in_sum_6h", log(Aggregate::Sum)),
        signal("out_sum_6h", log(Aggregate::Sum)),
        signal("payer_count_1d", log(Aggregate::Count)),
        signal("largest_share_1d", log(Aggregate::LargestShare)),
        signal("idle", log(Aggregate::SinceLast)),
        signal("net_6h", Reads::Difference { of: 0, to: 1 }),
    ]
}

fn constants() -> Vec<Constant> {
    vec![
        Constant { name: "threshold.payers".to_owned(), value: 5, kind: None },
        Constant { name: "threshold.idle".to_owned(), value: 86_400_000, kind: Some(ValueType::Duration) },
    ]
}

fn compiled(text: &str) -> Result<Condition, ExpressionError> {
    compile(text, Scope { signals: &signals(), constants: &constants() })
}

fn message(text: &str) -> String {
    compiled(text).expect_err(text).to_string()
}

/// The event and signal values of one round.
struct World {
    signals: [i64; 6],
    event: Attributes,
}

impl World {
    fn ours(&self, condition: &Condition) -> Option<bool> {
        let mut read = |number: usize| Interval::point(self.signals[number].into());
        condition.eval(&mut read, &self.event)
    }

    /// What the crate's interpreter says. Flags are booleans to it, words are texts, spans milliseconds.
    fn cel(&self, text: &str) -> bool {
        let event = |field: Field| self.event.get(field).unwrap();
        let channel = ["counter", "online", "mobile"][event(Field::Channel) as usize - 1];
        let mut text = text.to_owned();
        // The interpreter is built without its clock, so a duration is written as its milliseconds.
        for (written, span) in [("duration(\"24h\")", "86400000"), ("duration(\"1m30s\")", "90000")] {
            text = text.replace(written, span);
        }
        for (name, value) in [
            ("event.amount", event(Field::Amount).to_string()),
            ("event.cash", (event(Field::Cash) == 1).to_string()),
            ("event.channel", format!("\"{channel}\"")),
            ("threshold.payers", "5".to_owned()),
            ("threshold.idle", "86400000".to_owned()),
        ] {
            text = text.replace(name, &value);
        }
        let mut context = Context::default();
        for (signal, value) in signals().iter().zip(self.signals) {
            context.add_variable_from_value(signal.name.clone(), value);
        }
        match Program::compile(&text).unwrap().execute(&context).unwrap() {
            Value::Bool(holds) => holds,
            other => panic!("{text} gives {other:?}"),
        }
    }
}

/// A dice of its own: tests say the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.roll(texts.len() as u64) as usize]
    }

    fn world(&mut self) -> World {
        let mut small = || self.roll(9) as i64;
        let signals = [small(), small(), small(), small() * 100, small() * 30_000, small() - small()];
        let event = Attributes::of_amount(yuan(small()))
            .with(Field::Cash, Some(small() % 2))
            .with(Field::Channel, Some(small() % 3 + 1));
        World { signals, event }
    }

    /// A number of one type, as text.
    fn number(&mut self, kind: ValueType, depth: u32) -> String {
        if depth > 0 && self.roll(3) == 0 {
            let (a, b) = (self.number(kind, depth - 1), self.number(kind, depth - 1));
            return match self.roll(4) {
                0 => format!("{a} + {b}"),
                1 => format!("({a} - {b})"),
                2 => format!("({a}) * {}", self.roll(4)),
                _ => format!("({} ? {a} : {b})", self.condition(depth - 1)),
            };
        }
        let leaves: &[&str] = match kind {
            ValueType::Money => &["in_sum_6h", "out_sum_6h", "net_6h", "event.amount", "3", "0"],
            ValueType::Count => &["payer_count_1d", "threshold.payers", "2", "7"],
            ValueType::Ratio => &["largest_share_1d", "300"],
            ValueType::Duration => &["idle", "duration(\"24h\")", "duration(\"1m30s\")", "threshold.idle"],
        };
        self.of(leaves).to_owned()
    }

    fn condition(&mut self, depth: u32) -> String {
        if depth > 0 && self.roll(2) == 0 {
            let (a, b) = (self.condition(depth - 1), self.condition(depth - 1));
            return match self.roll(4) {
                0 => format!("{a} && {b}"),
                1 => format!("({a} || {b})"),
                2 => format!("!({a})"),
                _ => format!("(({a}) ? ({b}) : event.cash)"),
            };
        }
        match self.roll(8) {
            0 => "event.cash".to_owned(),
            1 => "!event.cash".to_owned(),
            2 => format!("event.channel {} \"{}\"", self.of(&["==", "!="]), self.of(&["counter", "mobile"])),
            _ => {
                let types = [ValueType::Money, ValueType::Count, ValueType::Ratio, ValueType::Duration];
                let kind = types[self.roll(4) as usize];
                let operator = self.of(&["<", "<=", ">", ">=", "==", "!="]);
                format!("{} {operator} {}", self.number(kind, 2), self.number(kind, 2))
            }
        }
    }
}

#[test]
fn where_everything_is_known_we_say_what_cel_says() {
    let mut dice = Dice(41);
    let (mut compared, mut held) = (0, 0);
    while compared < 600 {
        let text = dice.condition(3);
        // Some read nothing, or multiply by what could be negative.
        let Ok(condition) = compiled(&text) else {
            continue;
        };
        for _ in 0..6 {
            let world = dice.world();
            let holds = world.ours(&condition);
            assert_eq!(holds, Some(world.cel(&text)), "{text} with {:?} {:?}", world.signals, world.event);
            held += u32::from(holds == Some(true));
            compared += 1;
        }
    }
    assert!(held > compared / 10 && held < compared * 9 / 10, "{held} of {compared} held");
}

#[test]
fn what_is_not_said_is_unknown() {
    let unsaid = World { signals: [9; 6], event: Attributes::of_amount(yuan(1)) };
    for (text, expected) in [
        ("event.cash", None),
        ("!event.cash", None),
        ("event.cash || in_sum_6h > 1", Some(true)),
        ("event.cash && in_sum_6h > 10", Some(false)),
        ("event.channel == \"counter\"", None),
        ("in_sum_6h > (event.cash ? 1 : 2)", Some(true)),
        ("in_sum_6h > (event.cash ? 1 : 20)", None),
        ("event.cash ? in_sum_6h > 1 : out_sum_6h > 10", None),
    ] {
        assert_eq!(unsaid.ours(&compiled(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let text = "in_sum_6h > 1 &&\n  out_sum_6 > 2";
    assert_eq!(message(text), "line 2, column 3: unknown signal `out_sum_6`; did you mean `out_sum_6h`?");
    assert!(message("event.amont > 1").contains("did you mean `event.amount`?"));
    assert!(message("qqqqqqqqqqqqq > 1").contains("declare it under config/signals"));
    assert!(message("threshold.payer <= payer_count_1d").contains("did you mean `threshold.payers`?"));
    assert!(
        message("threshold.largest_yearly_turnover <= payer_count_1d")
            .contains("declare it under [thresholds]")
    );
    assert!(message("limit.value_2 <= payer_count_1d").contains("every [[dated]] entry needs it"));
    assert!(message("event.channel == \"conter\"").contains("did you mean \"counter\"?"));
    assert!(message("event.channel == \"street\"").contains("known: counter, online"));
}

#[test]
fn types_are_checked() {
    for (text, said) in [
        ("in_sum_6h", "`in_sum_6h` is money; a condition needs a comparison here"),
        ("in_sum_6h && out_sum_6h > 1", "needs a comparison"),
        ("1 < in_sum_6h < 5", "write `a < b && b < c`"),
        ("!in_sum_6h", "needs a comparison"),
        ("(in_sum_6h > 1) + 2 > 3", "gives true or false; a number is needed"),
        ("true", "true or false whatever happens"),
        ("1 < 2", "reads nothing"),
        ("in_sum_6h > payer_count_1d", "line 1, column 11: compares money with a count"),
        ("in_sum_6h + idle > 1", "column 11: puts together money and a duration"),
        ("in_sum_6h * event.amount > 1", "multiplies money by money"),
        ("idle > 0 && in_sum_6h > threshold.idle", "compares money with a duration"),
        ("idle > threshold.payers", "line 1, column 6: puts a bare number beside a duration"),
        ("20 <= idle", "write it with its unit, such as `duration(\"480h\")`"),
        ("idle + 20 > threshold.idle", "line 1, column 6: puts a bare number beside a duration"),
        ("idle > (event.cash ? 20 : threshold.idle)", "puts a bare number beside a duration"),
        ("idle > 2 * 10", "puts a bare number beside a duration"),
        ("payer_count_1d >= largest_share_1d", "compares a count with a ratio"),
        ("event.cash > 0", "compares true or false with a number"),
        ("event.cash < true", "has no order"),
        ("event.channel > \"counter\"", "has no order"),
        ("event.channel == 1", "compares a word with a number"),
        ("event.channel == party.product", "compares a word with a word"),
        ("in_sum_6h == \"counter\"", "compares money with a word"),
        ("in_sum_6h > (event.cash ? idle : 0)", "compares money with a duration"),
        ("in_sum_6h > (event.cash ? idle : payer_count_1d)", "gives a duration or a count"),
    ] {
        assert!(message(text).contains(said), "{text}: {}", message(text));
    }
    assert!(compiled("event.cash == true && event.channel != \"counter\"").is_ok());
    assert!(compiled("in_sum_6h * 1000 >= out_sum_6h * 2 && idle >= duration(\"24h\")").is_ok());
    assert!(compiled("idle > 0 && idle * 2 >= threshold.idle - 0").is_ok());
}

#[test]
fn syntax_errors_point_at_the_place() {
    for (text, said) in [
        ("in_sum_6h >= ", "ends too early"),
        ("in_sum_6h >= )", "line 1, column 14: `)` is not expected here"),
        ("in_sum_6h = 5", "line 1, column 11: is no comparison; write `==`"),
        ("in_sum_6h > 1 & out_sum_6h > 1", "line 1, column 15: write `&&`"),
        ("in_sum_6h > 1 | out_sum_6h > 1", "line 1, column 15: write `||`"),
        ("(in_sum_6h > 1", "ends too early"),
        ("in_sum_6h > 1)", "line 1, column 14: `)` is not expected here"),
        ("in_sum_6h > 1.5", "only integers"),
        ("in_sum_6h > 5u", "without a suffix"),
        ("in_sum_6h / 2 > 1", "line 1, column 11: there is no division"),
        ("in_sum_6h % 2 > 1", "line 1, column 11: there is no `%`"),
        ("has(event.amount) && in_sum_6h > 1", "there is no `has`"),
        ("in_sum_6h > 1 1", "line 1, column 15: `1` is not expected here"),
        ("in_sum_6h > 金", "line 1, column 13"),
        ("event.channel == \"金\" && in_sum > 1", "line 1, column 18: event.channel is never"),
        ("in_sum_6h in [1, 2]", "there is no `in`"),
        ("[1, 2].exists(x, x == in_sum_6h)", "no macros"),
        ("size(in_sum_6h) > 1", "there is no function `size`"),
        ("idle > duration(\"7d\")", "`7d` is no duration"),
        ("idle > duration(24)", "written in quotes"),
        ("", "is empty"),
    ] {
        assert!(message(text).contains(said), "{text}: {}", message(text));
    }
}

#[test]
fn bounds_are_held() {
    assert!(message("in_sum_6h > 1000000000000001").contains("largest constant"));
    for beyond in ["9223372036854775808", "99999999999999999999"] {
        let said = message(&format!("in_sum_6h > {beyond}"));
        assert!(said.starts_with("line 1, column 13: the largest constant is"), "{said}");
    }
    assert!(message("in_sum_6h * payer_count_1d > 1").contains("both sides of `*` read signals"));
    assert!(message("in_sum_6h * (0 - 3) > 1").contains("could be negative"));
    assert!(message("net_6h * (1 - 2) > 1").contains("could be negative"));
    assert!(compiled("in_sum_6h * 3 > event.amount * 2").is_ok());
    let large = "in_sum_6h * 1000000000000000 * 1000000000000000 > 1";
    assert!(message(large).contains("overflow"));
    let deep = format!("{}in_sum_6h > 1{}", "(".repeat(60), ")".repeat(60));
    assert!(message(&deep).contains("nested"));
    let nots = format!("{}(in_sum_6h > 1)", "!".repeat(60));
    assert!(message(&nots).contains("nested"));
    let sums = format!("in_sum_6h {} > 1", "+ 1 ".repeat(60));
    assert!(message(&sums).contains("nested"), "{}", message(&sums));
    let many = vec!["in_sum_6h > 1"; 33].join(" && ");
    assert!(message(&many).contains("comparisons"));
    assert!(message(&" ".repeat(2_001)).contains("too long"));
}

#[test]
fn no_text_makes_the_parser_panic() {
    let words = [
        "(",
        ")",
        "!",
        "&&",
        "||",
        "-",
        "*",
        "5",
        "in_sum_6h",
        ".",
        "event",
        ">",
        "=",
        "金",
        "\n",
        "&",
        "?",
        ":",
        "[",
        "{",
        "\"",
        "'",
        "`",
        "has(",
        "duration(",
        "\\",
        "0x",
        "1e9",
        "r\"",
        "//",
        "\u{0}",
        "@",
    ];
    let mut dice = Dice(7);
    for _ in 0..4_000 {
        let mut text = String::new();
        for _ in 0..dice.roll(12) {
            text.push_str(dice.of(&words));
        }
        let _ = compiled(&text);
    }
}
