//! Bytes as text. Spreadsheets in China save GB18030 unless told otherwise.

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::FileError;

/// UTF-8 (with or without BOM), UTF-16 with BOM, else GB18030.
///
/// # Errors
/// The line that is neither.
pub fn decode(file: &str, bytes: &[u8]) -> Result<String, FileError> {
    let undecodable = |line| FileError::Encoding { file: file.to_owned(), line };
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let body = &bytes[mark..];
        return match encoding.decode_without_bom_handling_and_without_replacement(body) {
            Some(text) => Ok(text.into_owned()),
            None => Err(undecodable(first_bad_line(encoding, body))),
        };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    if is_damaged_utf8(bytes) {
        return Err(undecodable(first_bad_line(UTF_8, bytes)));
    }
    match GB18030.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(text.into_owned()),
        None => Err(undecodable(first_bad_line(GB18030, bytes))),
    }
}

/// Most lines with more than ASCII are UTF-8: then the others are damage, and
/// reading the whole as GB18030 would turn every name into another.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_ascii());
    let (fine, broken) = lines.fold((0, 0), |(fine, broken), line| match std::str::from_utf8(line) {
        Ok(_) => (fine + 1, broken),
        Err(_) => (fine, broken + 1),
    });
    fine > broken
}

/// From 1. Counted in what could be decoded: in UTF-16 half of a character may look like a line feed.
fn first_bad_line(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0);
    let mut text = String::with_capacity(room);
    let _ = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    1 + text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "代码,名称\nA1,上海店\nA2,杭州店\n";

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_column() {
        let with_mark = ["\u{feff}".as_bytes(), TEXT.as_bytes()].concat();
        assert_eq!(decode("f", &with_mark).unwrap(), TEXT);
        assert_eq!(decode("f", TEXT.as_bytes()).unwrap(), TEXT);
    }

    #[test]
    fn what_a_chinese_spreadsheet_saves_is_read() {
        let (bytes, _, _) = GB18030.encode(TEXT);
        assert_ne!(&*bytes, TEXT.as_bytes());
        assert_eq!(decode("f", &bytes).unwrap(), TEXT);
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain(TEXT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode("f", &utf16).unwrap(), TEXT);
    }

    #[test]
    fn damage_is_named_by_its_line() {
        let (gb, _, _) = GB18030.encode(TEXT);
        let mut broken = gb.into_owned();
        let end = broken.len() - 1;
        broken.insert(end, 0xff);
        assert_eq!(decode("f", &broken), Err(FileError::Encoding { file: "f".into(), line: 3 }));
    }

    #[test]
    fn damage_in_utf16_is_named_by_its_line() {
        // 上 is 0x4E0A: its low byte looks like a line feed.
        let units = [0xfeff].into_iter().chain("上上,上\nA1,".encode_utf16()).chain([0xdc00]);
        let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode("f", &bytes), Err(FileError::Encoding { file: "f".into(), line: 2 }));
    }

    #[test]
    fn a_damaged_utf8_file_is_not_read_as_something_else() {
        let mut bytes = TEXT.as_bytes().to_vec();
        let place = TEXT.find("杭").unwrap();
        bytes.remove(place + 1);
        assert_eq!(decode("f", &bytes), Err(FileError::Encoding { file: "f".into(), line: 3 }));
    }
}
