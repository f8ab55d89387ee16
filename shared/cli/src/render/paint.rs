//! Colours, which never carry meaning alone.

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// With or without.
    pub const fn new(color: bool) -> Self {
        Self(color)
    }

    /// Names and headings.
    pub fn bold(self, text: &str) -> String {
        self.put("1", text)
    }

    /// What can be skipped.
    pub fn dim(self, text: &str) -> String {
        self.put("2", text)
    }

    /// What went well.
    pub fn good(self, text: &str) -> String {
        self.put("32", text)
    }

    /// What needs a look.
    pub fn warn(self, text: &str) -> String {
        self.put("33", text)
    }

    /// What went wrong.
    pub fn bad(self, text: &str) -> String {
        self.put("1;31", text)
    }

    fn put(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
