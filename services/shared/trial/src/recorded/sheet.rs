//! A table in memory, as whoever opened the file hands it over.

/// Headings and rows; the file itself, its encoding and its packing are the business of the caller.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub headings: Vec<String>,
    pub rows: Vec<SheetRow>,
}

#[derive(Clone, Debug)]
pub struct SheetRow {
    /// From 1; the headings stand on line 1.
    pub line: u64,
    pub fields: Vec<String>,
}

impl Sheet {
    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.headings.iter().position(|heading| heading == name)
    }
}

impl SheetRow {
    pub fn field(&self, column: usize) -> &str {
        self.fields.get(column).map_or("", |field| field.trim())
    }
}
