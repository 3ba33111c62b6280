//! The difference between two texts: a text and a delta come in, the other text goes out. Never reads outside either.

use super::chunk::LIMIT;

/// Writes to `out` what `base` becomes by `delta`: a row of replacements, each `start, end, length` in 32 bits and the new
/// bytes.
pub(super) fn apply(base: &[u8], delta: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    out.clear();
    let mut copied = 0;
    let mut rest = delta;
    while !rest.is_empty() {
        let [start, end, length] = header(&mut rest)?;
        let kept = base.get(copied..start).ok_or("a delta does not fit its base")?;
        let (new, after) = rest.split_at_checked(length).ok_or("a delta breaks off")?;
        if end < start || out.len() + kept.len() + length > LIMIT {
            return Err("a delta does not fit its base");
        }
        out.extend_from_slice(kept);
        out.extend_from_slice(new);
        copied = end;
        rest = after;
    }
    out.extend_from_slice(base.get(copied..).ok_or("a delta does not fit its base")?);
    Ok(())
}

fn header(rest: &mut &[u8]) -> Result<[usize; 3], &'static str> {
    let (header, after) = rest.split_first_chunk::<12>().ok_or("a delta breaks off")?;
    *rest = after;
    Ok([0, 4, 8].map(|at| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        u32::from_be_bytes(bytes) as usize
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(start: u32, end: u32, new: &[u8]) -> Vec<u8> {
        let length = u32::try_from(new.len()).unwrap();
        [&start.to_be_bytes()[..], &end.to_be_bytes(), &length.to_be_bytes(), new].concat()
    }

    fn applied(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        apply(base, delta, &mut out).map(|()| out)
    }

    #[test]
    fn replacements_are_made_in_order() {
        let delta = [hunk(0, 1, b"A"), hunk(2, 2, b"--"), hunk(3, 4, b"")].concat();

        assert_eq!(applied(b"abcd", &delta), Ok(b"Ab--c".to_vec()));
        assert_eq!(applied(b"abcd", b""), Ok(b"abcd".to_vec()));
    }

    #[test]
    fn a_delta_that_does_not_fit_is_refused() {
        for delta in [hunk(5, 5, b""), hunk(2, 1, b""), hunk(0, 5, b""), vec![0; 11], hunk(0, 0, b"x")[..12].to_vec()] {
            assert!(applied(b"abcd", &delta).is_err(), "{delta:?}");
        }
        assert!(applied(b"abcd", &[hunk(3, 4, b""), hunk(1, 2, b"")].concat()).is_err());
    }
}
