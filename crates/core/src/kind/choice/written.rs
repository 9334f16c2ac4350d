//! The members in which a client may write the answer to a choice, besides `answer`.

use serde::de::MapAccess;

use crate::text::Text;

/// `Written` holds the members of a written answer that only a choice has.
#[derive(Debug, Default)]
pub struct Written<'a> {
    /// The text of an option.
    pub option: Option<Text<'a>>,
    /// The id of an option.
    pub option_id: Option<u64>,
    /// The texts of options.
    pub options: Option<Vec<Text<'a>>>,
    /// The ids of options.
    pub option_ids: Option<Vec<u64>>,
}

impl<'a> Written<'a> {
    /// The names of the members.
    pub const MEMBERS: [&'static str; 4] = ["option", "optionId", "options", "optionIds"];

    /// Reads the value of a member, if it is one of these. Returns its place among them.
    pub(in crate::kind) fn member<M: MapAccess<'a>>(
        &mut self,
        name: &str,
        map: &mut M,
    ) -> Result<Option<usize>, M::Error> {
        let place = match name {
            "option" => {
                self.option = map.next_value()?;
                0
            }
            "optionId" => {
                self.option_id = map.next_value()?;
                1
            }
            "options" => {
                self.options = map.next_value()?;
                2
            }
            "optionIds" => {
                self.option_ids = map.next_value()?;
                3
            }
            _ => return Ok(None),
        };
        Ok(Some(place))
    }

    /// Returns how many of the members are given.
    pub(in crate::kind) fn given(&self) -> usize {
        let Self { option, option_id, options, option_ids } = self;
        let given =
            [option.is_some(), option_id.is_some(), options.is_some(), option_ids.is_some()];
        given.into_iter().filter(|given| *given).count()
    }
}
