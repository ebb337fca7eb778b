//! What people think of answers, in memory.

use esclusa::ports::{Feedback, FeedbackFilter, FeedbackRow, Page, Pending};

use super::database::{Database, place};
use super::faults::Port;

impl Feedback for Database {
    fn store<'a>(&'a self, org: &'a str, row: &'a FeedbackRow, most: u32) -> Pending<'a, bool> {
        self.run(Port::Documents, move |tables| {
            let at = (org.to_owned(), row.request.clone(), row.user.clone());
            let others = tables
                .feedback
                .keys()
                .filter(|key| (&key.0, &key.1) == (&at.0, &at.1) && key.2 != at.2);
            let heard = others.count() < usize::try_from(most).unwrap();
            if heard {
                tables.feedback.insert(at, row.clone());
            }
            heard
        })
    }

    fn list<'a>(
        &'a self,
        org: &'a str,
        filter: &'a FeedbackFilter,
        page: &'a Page,
    ) -> Pending<'a, Vec<FeedbackRow>> {
        self.run(Port::Documents, move |tables| {
            let after = page.after.as_deref();
            let after = after.map(|after| after.split_once('/').unwrap_or((after, "")));
            let rows = tables.feedback.iter().filter(|((of, request, user), row)| {
                of == org
                    && after.is_none_or(|after| (request.as_str(), user.as_str()) > after)
                    && filter.request.as_ref().is_none_or(|only| only == request)
                    && filter.thumbs.is_none_or(|only| row.thumbs == Some(only))
            });
            let most = usize::try_from(page.limit).unwrap() + 1;
            rows.map(|(_, row)| row.clone()).take(most).collect()
        })
    }

    fn erase<'a>(&'a self, org: &'a str, user: &'a str) -> Pending<'a, ()> {
        self.run(Port::Documents, move |tables| {
            let people = &tables.people;
            tables.feedback.retain(|(of, request, by), _| {
                let asked = people.get(&place(org, request)).map(|it| it.user.as_str());
                of != org || (by != user && asked != Some(user))
            });
        })
    }
}
