//! References in the values of variables, `${{db.URL}}`: what they name. Pure, and never shows what stands around them.

/// What the references of a value name, in their order: `NAME`, `SERVICE.NAME` or `shared.NAME`. What is no such name
/// is `None`, and not repeated: it may be anything.
pub fn references(value: &str) -> Vec<Option<String>> {
    let parts = value.split("${{").skip(1);
    parts.map(|part| part.split_once("}}").and_then(|(inside, _)| name_of(inside))).collect()
}

pub fn has_references(value: &str) -> bool {
    value.contains("${{")
}

fn name_of(inside: &str) -> Option<String> {
    let inside = inside.trim();
    // Services may have blanks in their names.
    let (service, name) = match inside.rsplit_once('.') {
        Some((service, name)) => (Some(service), name),
        None => (None, inside),
    };
    let is_service = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_' || c == ' ')
    };
    let is_good = crate::config::expected::is_name(name) && service.is_none_or(is_service);
    is_good.then(|| inside.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_come_out() {
        let names = |value: &str| {
            let all = references(value).into_iter().map(|name| name.unwrap_or_else(|| "?".to_owned()));
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("postgres://me:hunter2@${{ Postgres.HOST }}:${{PORT}}/x"), "Postgres.HOST PORT");
        assert_eq!(names("${{shared.KEY}} ${{My Service.URL}}"), "shared.KEY My Service.URL");
        assert_eq!(names("${{hunter2!}} ${{open"), "? ?");
        assert_eq!(names("$PLAIN {{x}}"), "");
        assert!(has_references("a${{B}}") && !has_references("a"));
    }
}
