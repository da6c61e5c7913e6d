//! A ticket code is the booking code followed by one check letter.

const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRSTVWXYZ";

/// The check letter; it changes with every letter and with their order.
fn check_letter(booking: &str) -> char {
    let sum = booking
        .bytes()
        .enumerate()
        .fold(0usize, |sum, (i, byte)| sum + (i + 1) * byte as usize);
    LETTERS[sum % LETTERS.len()] as char
}

pub fn encode(booking: &str) -> String {
    format!("{booking}{}", check_letter(booking))
}

pub fn decode(code: &str) -> Option<&str> {
    let (at, letter) = code.char_indices().last()?;
    let booking = &code[..at];
    (check_letter(booking) == letter).then_some(booking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(decode(&encode("HV2Q7")), Some("HV2Q7"));
    }

    #[test]
    fn swapped_letters_are_noticed() {
        let code = encode("HV2Q7").replace("HV", "VH");
        assert_eq!(decode(&code), None);
    }
}
