//! The hash tag of a queue, `project/queue`, with what would be ambiguous percent-encoded.
//!
//! Guards that encoding can be undone, in one way only: equal tags are equal names.

/// `project/queue`, encoded.
pub(super) fn join(project: &str, queue: &str) -> String {
    let mut tag = String::with_capacity(project.len() + 1 + queue.len());
    encode(project, &mut tag);
    tag.push('/');
    encode(queue, &mut tag);
    tag
}

/// The two names of a tag; `None` where [`join`] would not have written it that way.
pub(super) fn split(tag: &str) -> Option<(String, String)> {
    let (project, queue) = tag.split_once('/')?;
    let names = (decode(project)?, decode(queue)?);
    (join(&names.0, &names.1) == tag).then_some(names)
}

fn encode(name: &str, tag: &mut String) {
    for c in name.chars() {
        match c {
            '%' | '/' | '{' | '}' | '\0'..='\x1f' | '\x7f' => {
                // All of them are ASCII: one byte, two digits.
                tag.push_str(&format!("%{:02X}", u32::from(c)));
            }
            _ => tag.push(c),
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut name = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            name.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            name.push(byte);
        }
    }
    String::from_utf8(name).ok()
}
