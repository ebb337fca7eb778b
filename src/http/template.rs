//! Paths with parameters, as tables write them: `orgs/{org}/keys/{key}`. The last parameter may be
//! `{id...}`, which holds slashes.

/// What stands at the parameters of a template, in order, where the path is one of it; empty texts
/// beyond the last.
#[must_use]
pub fn matched<'a, const N: usize>(template: &str, path: &'a str) -> Option<[&'a str; N]> {
    let mut values = [""; N];
    let mut slots = values.iter_mut();
    let mut rest = Some(path);
    for expected in template.split('/') {
        let left = rest?;
        let (segment, after) = match left.split_once('/') {
            _ if expected.ends_with("...}") => (left, None),
            Some((segment, after)) => (segment, Some(after)),
            None => (left, None),
        };
        if expected.starts_with('{') {
            *slots.next()? = segment;
        } else if expected != segment {
            return None;
        }
        rest = after;
    }
    rest.is_none().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_what_stands_in_their_places() {
        let of = |template, path| matched::<2>(template, path);
        assert_eq!(of("orgs", "orgs"), Some(["", ""]));
        assert_eq!(of("orgs/{org}/keys", "orgs/a/keys"), Some(["a", ""]));
        assert_eq!(of("o/{o}/k/{k}", "o/a/k/b"), Some(["a", "b"]));
        assert_eq!(
            of("models/{id...}", "models/@cf/a/b"),
            Some(["@cf/a/b", ""])
        );
        assert_eq!(of("o/{o}", "o/"), Some(["", ""]));
        for (template, path) in [
            ("orgs", "orgs/a"),
            ("orgs/{org}", "orgs"),
            ("orgs/{org}/keys", "orgs/a/key"),
            ("orgs/{org}", "orgs/a/"),
            ("models/{id...}", "models"),
        ] {
            assert_eq!(of(template, path), None, "{template} {path}");
        }
    }
}
