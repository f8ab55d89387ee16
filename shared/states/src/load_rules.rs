//! Reads the rules of a Choice state.

use crate::choice::{Comparison, Test};
use crate::error::LoadError;
use crate::fields::Fields;
use crate::machine::Rule;

/// Reads one entry of `Choices`.
pub(crate) fn rule(mut fields: Fields) -> Result<Rule, LoadError> {
    let next = fields.required_text("Next")?;
    Ok(Rule {
        test: test(fields)?,
        next,
    })
}

fn test(mut fields: Fields) -> Result<Test, LoadError> {
    fields.text("Comment")?;
    let test = if fields.has("And") {
        Test::And(tests(&mut fields, "And")?)
    } else if fields.has("Or") {
        Test::Or(tests(&mut fields, "Or")?)
    } else if let Some(value) = fields.take("Not") {
        Test::Not(Box::new(test(fields.nested("Not", value)?)?))
    } else {
        let variable = fields
            .path("Variable")?
            .ok_or_else(|| fields.missing("Variable"))?;
        Test::Compare {
            variable,
            comparison: comparison(&mut fields)?,
        }
    };
    fields.finish()?;
    Ok(test)
}

fn tests(fields: &mut Fields, field: &str) -> Result<Vec<Test>, LoadError> {
    let items = fields.list(field)?.unwrap_or_default();
    if items.is_empty() {
        return Err(fields.invalid(field, "must have at least one test"));
    }
    let items = items.into_iter().enumerate();
    items
        .map(|(index, item)| test(fields.nested(&format!("{field}[{index}]"), item)?))
        .collect()
}

type MakeNumeric = fn(f64) -> Comparison;
type MakeFlag = fn(bool) -> Comparison;
type MakeText = fn(String) -> Comparison;

const NUMERIC: [(&str, MakeNumeric); 5] = [
    ("NumericEquals", Comparison::NumericEquals),
    ("NumericGreaterThan", Comparison::NumericGreaterThan),
    ("NumericGreaterThanEquals", Comparison::NumericGreaterThanEquals),
    ("NumericLessThan", Comparison::NumericLessThan),
    ("NumericLessThanEquals", Comparison::NumericLessThanEquals),
];
const FLAGS: [(&str, MakeFlag); 4] = [
    ("BooleanEquals", Comparison::BooleanEquals),
    ("IsPresent", Comparison::IsPresent),
    ("IsNull", Comparison::IsNull),
    ("IsString", Comparison::IsString),
];
const TEXTS: [(&str, MakeText); 2] = [
    ("StringEquals", Comparison::StringEquals),
    ("StringMatches", Comparison::StringMatches),
];

/// The one comparison of a rule. A second one is left over and so refused.
fn comparison(fields: &mut Fields) -> Result<Comparison, LoadError> {
    for (field, make) in TEXTS {
        if let Some(text) = fields.text(field)? {
            return Ok(make(text));
        }
    }
    for (field, make) in NUMERIC {
        if let Some(number) = fields.number(field)? {
            return Ok(make(number));
        }
    }
    for (field, make) in FLAGS {
        if let Some(flag) = fields.flag(field)? {
            return Ok(make(flag));
        }
    }
    let known: Vec<&str> = TEXTS
        .iter()
        .map(|(field, _)| *field)
        .chain(NUMERIC.iter().map(|(field, _)| *field))
        .chain(FLAGS.iter().map(|(field, _)| *field))
        .collect();
    Err(fields.invalid(
        "Variable",
        format!("must be compared by one of {}", known.join(", ")),
    ))
}
