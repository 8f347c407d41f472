//! What is told of a form's fields, and why a form cannot be read.

use crate::pdf;

/// Bytes of the options of all fields of a form, each counted as often as it is listed.
pub(super) const MAX_OPTION_BYTES: usize = 8 * 1024 * 1024;

/// States of the buttons of a form together. One has a single state besides "off", as a rule; each may have all that are read of one.
pub(super) const MAX_STATES: usize = 50_000;

/// Why a PDF cannot be used as a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Document(#[from] pdf::Error),
    /// Filling it would break the signature.
    #[error("the field \"{0}\" is signed already, and filling the form would break that signature")]
    Signed(String),
    #[error("its fields have more options than are read ({} bytes of text)", MAX_OPTION_BYTES)]
    TooManyOptions,
    #[error("its buttons have more states than are read ({} together)", MAX_STATES)]
    TooManyStates,
}

impl ReadError {
    /// What is wrong, and what the one who uploads the form can do about it.
    pub fn with_advice(&self) -> String {
        match self {
            Self::Document(error) => error.with_advice(),
            Self::Signed(_) => format!("{self}; upload the form as it was before it was signed"),
            Self::TooManyOptions => format!("{self}; remove options and upload the form again"),
            Self::TooManyStates => format!("{self}; remove states and upload the form again"),
        }
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    CheckBox,
    Radio,
    ComboBox,
    ListBox,
    /// It has no value, but can show a picture.
    PushButton,
    Signature,
}

impl FieldKind {
    /// Whether it takes a text as its value.
    pub fn is_fillable(self) -> bool {
        !matches!(self, Self::PushButton | Self::Signature)
    }
}

/// One of the choices of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOption {
    /// The value that stands for it.
    pub export: String,
    /// What the field shows; of a check box or radio button, the name of its state.
    pub display: String,
}

/// Where a field is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From 0.
    pub page: usize,
    /// Left, bottom, right, top, on the page that is not turned, in points.
    pub rect: [f32; 4],
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct FormField {
    /// Fully qualified: the partial names from the root of the tree, joined by periods.
    pub name: String,
    pub kind: FieldKind,
    /// The form wants a value; a fill does not insist.
    pub required: bool,
    /// People do not change it in a viewer. A fill does: authors protect what a program is to fill in.
    pub read_only: bool,
    pub multiline: bool,
    /// A list box in which several options may be chosen.
    pub multiple: bool,
    /// In characters (Unicode scalar values, composed).
    pub max_length: Option<usize>,
    pub comb: bool,
    pub options: Vec<FieldOption>,
    /// The font that the field names (`BaseFont`, else its name among the resources). Buttons and signatures have none.
    pub font: Option<String>,
    /// Its own name, or that of a field above it, has a period in it, which ISO 32000-2 12.7.4.2 forbids: others look for a field below.
    pub has_period: bool,
    pub places: Vec<Place>,
}
