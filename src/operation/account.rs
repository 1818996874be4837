//! The account of an operation of many steps, for the one error that it can end in.
//!
//! Guards *not done*: it is said only where each step that was to do something is known not to have
//! been done. *Done* is never said: what failed may have had more steps before it.

use super::not_begun;
use crate::error::{Error, Outcome, Result};

#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Some step was done, or may have been.
    has_begun: bool,
    first_failure: Option<Error>,
}

impl Account {
    /// Of an operation that has done something already.
    pub(crate) fn begun() -> Self {
        Account {
            has_begun: true,
            first_failure: None,
        }
    }

    /// Notes a step that does some of what was asked for; gives its answer, unless it failed.
    ///
    /// One that answers that it did nothing counts all the same: it can be the repeat of one whose
    /// answer was lost.
    pub(crate) fn step<T>(&mut self, step: Result<T>) -> Option<T> {
        self.has_begun |= match &step {
            Ok(_) => true,
            Err(error) => error.outcome() != Outcome::NotDone,
        };
        self.note(step)
    }

    /// Notes what a step needs to know or have first; gives its answer, unless it failed.
    pub(crate) fn look<T>(&mut self, look: Result<T>) -> Option<T> {
        self.note(look.map_err(not_begun))
    }

    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.first_failure.get_or_insert(error);
                None
            }
        }
    }

    /// The answer; or the first failure, with the outcome of all. A refusal has none but its own: it
    /// says that the step that met it was not done.
    pub(crate) fn close<T>(self, answer: T) -> Result<T> {
        let outcome = match self.has_begun {
            true => Outcome::Unknown,
            false => Outcome::NotDone,
        };
        match self.first_failure {
            Some(error) => Err(error.with_outcome(outcome)),
            None => Ok(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause;

    fn failed(outcome: Outcome, why: &str) -> Result<()> {
        Err(Error::Transport {
            queue: None,
            outcome,
            source: Cause::text(why),
        })
    }

    fn outcome(account: Account) -> Outcome {
        account.close(()).unwrap_err().outcome()
    }

    #[test]
    fn an_operation_is_not_done_only_where_none_of_its_steps_may_have_been() {
        use Outcome::{Done, NotDone, Unknown};
        for (others, all) in [
            (vec![], NotDone),
            (vec![failed(NotDone, "")], NotDone),
            (vec![failed(NotDone, ""), Ok(())], Unknown),
            (vec![failed(Unknown, "")], Unknown),
            (vec![failed(Done, "")], Unknown),
        ] {
            for is_first in [true, false] {
                let mut account = Account::default();
                if is_first {
                    account.step(failed(NotDone, ""));
                }
                for other in others.clone() {
                    account.step(other);
                }
                if !is_first {
                    account.step(failed(NotDone, ""));
                }
                assert_eq!(outcome(account), all, "{others:?}, first: {is_first}");
            }
        }
    }

    #[test]
    fn looking_does_nothing_whatever_comes_of_it() {
        for look in [
            Ok(()),
            failed(Outcome::Unknown, "lost"),
            Err(Error::corrupt("odd")),
        ] {
            let mut account = Account::default();
            account.look(look);
            account.step(failed(Outcome::NotDone, ""));
            assert_eq!(outcome(account), Outcome::NotDone);
        }
    }

    #[test]
    fn the_first_failure_is_the_one_that_is_shown_and_without_one_there_is_an_answer() {
        let mut account = Account::default();
        assert_eq!(account.step(Ok(7)), Some(7));
        assert_eq!(account.look(failed(Outcome::NotDone, "first")), None);
        assert_eq!(account.step(failed(Outcome::Unknown, "second")), None);
        let shown = account.close(()).unwrap_err().to_string();
        assert!(
            shown.contains("first") && !shown.contains("second"),
            "{shown}"
        );
        assert_eq!(Account::default().close(9).unwrap(), 9);
    }
}
