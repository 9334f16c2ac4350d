//! A setting as the command line and the documents see it, and the macro that declares settings.

use std::sync::LazyLock;

use super::Config;
use super::form::ValueForm;

/// All settings, in the order of the help.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(Config::settings);

/// `Set` reads a value into the configuration.
type Set = dyn Fn(&mut Config, &str) -> Result<(), String> + Send + Sync;
/// `ShowSetting` writes the value that the configuration holds.
type ShowSetting = dyn Fn(&Config) -> String + Send + Sync;

/// `Setting` describes one setting, whatever the type of its value.
pub struct Setting {
    /// The name of `--flag`, without the dashes: the variable's name in lower case, without `POLLUX_`.
    pub flag: String,
    /// The environment variable.
    pub variable: &'static str,
    /// The placeholder of the value in the help.
    pub value: &'static str,
    /// The least and the greatest value; empty when any value of its form will do.
    pub limits: String,
    /// The default as it would be typed; empty when there is none.
    pub default: String,
    /// What holds where there is no default, in words.
    pub absent: &'static str,
    /// The help text, which is one sentence without a full stop.
    pub help: &'static str,
    /// The part of the help that lists the setting.
    pub heading: Heading,
    /// Whether the value must not appear in a message.
    pub is_secret: bool,
    set: Box<Set>,
    show: Box<ShowSetting>,
}

/// A heading stands over a part of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    /// The settings that people commonly choose.
    Settings,
    /// The bounds, which have sound defaults. Only `--help` lists them.
    Limits,
}

impl Setting {
    /// Creates a setting of a form and of the field that it fills.
    pub(super) fn new<T: 'static>(
        heading: Heading,
        variable: &'static str,
        help: &'static str,
        form: ValueForm<T>,
        default: &T,
        field: fn(&Config) -> &T,
        field_mut: fn(&mut Config) -> &mut T,
    ) -> Self {
        let ValueForm { value, limits, absent, is_secret, read, show } = form;
        Self {
            flag: variable.trim_start_matches("POLLUX_").to_lowercase().replace('_', "-"),
            variable,
            value,
            limits,
            default: show(default),
            absent,
            help,
            heading,
            is_secret,
            set: Box::new(move |config, text| {
                *field_mut(config) = read(text)?;
                Ok(())
            }),
            show: Box::new(move |config| show(field(config))),
        }
    }

    /// Reads a value into the configuration, or says what it should have been.
    pub fn set(&self, config: &mut Config, text: &str) -> Result<(), String> {
        (self.set)(config, text)
    }

    /// Returns the value as it would be typed; empty when there is none, or it is secret.
    pub fn show(&self, config: &Config) -> String {
        (self.show)(config)
    }
}

/// Declares a struct of settings, its defaults, and a [`Setting`] for each field. A row is
///
/// ```text
/// /// What the help says
/// VARIABLE: form => field: Type = default;
/// ```
///
/// under the part of the help that lists it. The `=` of the struct is followed by its place in the
/// [`Config`], and a `+` by the structs that are part of it.
macro_rules! settings {
    (
        $(#[$about:meta])+
        pub struct $Group:ident = |$config:ident| $place:expr;
        $($Heading:ident {
            $($(#[doc = $help:literal])+ $variable:ident: $form:expr => $field:ident: $Type:ty = $default:expr;)+
        })+
        $(+ { $($part:ident: $Part:ident,)+ })?
    ) => {
        $(#[$about])+
        #[derive(Clone, Debug)]
        // The help texts are not Markdown.
        #[allow(rustdoc::bare_urls)]
        pub struct $Group {
            $($($(#[doc = $help])+ pub $field: $Type,)+)+
            $($(#[doc = concat!("[`", stringify!($Part), "`].")] pub $part: $Part,)+)?
        }

        impl Default for $Group {
            fn default() -> Self {
                Self { $($($field: $default,)+)+ $($($part: $Part::default(),)+)? }
            }
        }

        impl $Group {
            fn settings() -> Vec<Setting> {
                let own = vec![$($(Setting::new(
                    Heading::$Heading,
                    stringify!($variable),
                    concat!($($help),+).trim_ascii(),
                    $form,
                    &$default,
                    |$config| &$place.$field,
                    |$config| &mut $place.$field,
                )),+),+];
                [own $($(, $Part::settings())+)?].into_iter().flatten().collect()
            }
        }
    };
}
pub(super) use settings;
