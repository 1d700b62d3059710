"""Every error a person can meet. The text of each is a sentence: what happened, what to do.

    RagError
    ├── SettingsError            a setting is missing or makes no sense
    ├── DocumentError            one file cannot be used; the others go on
    │   ├── UnsupportedFile      a type we do not read, or not what its extension says
    │   ├── EmptyDocument        no text at all, or nothing but scanned pages
    │   ├── EncryptedDocument    needs a password
    │   ├── BrokenDocument       damaged, or its reader gave up
    │   └── DocumentTooLarge     over the limit for size, pages or time
    ├── LibraryError             the library's database cannot be read or written
    ├── LedgerError              the same of the ledger; never of a turn
    ├── PeopleError              what is kept of people cannot be read or written
    │   └── NotYours             it is another person's
    ├── SearchError              the search index cannot be read or written
    │   └── IndexLocked          another process is writing
    ├── ModelError               no reply, or none that can be used
    │   ├── ModelUnavailable     no answer can be had from the address
    │   │   └── ModelUnreachable nothing is there, or it is left alone for a while
    │   ├── ModelNotFound        the server does not have this model
    │   ├── ModelRefused         the server said no: key, quota, bad request
    │   ├── ModelBusy            the queue is full; try again later
    │   ├── ModelTimeout         it did not connect, start or go on in time
    │   └── ContextTooLong       the prompt does not fit the model's context
    ├── WeightsError             a model's file cannot be had
    │   ├── DownloadFailed       no mirror answered, or the connection broke
    │   ├── HashMismatch         a mirror sent something else; it was deleted
    │   └── DiskFull             no room for it
    ├── QuestionSetError         a question set, or a saved run of one, makes no sense
    ├── ExperimentError          an experiment, or a saved run of one, makes no sense
    ├── ProgramEnding            it was told to end: turns under way may, new ones may not begin
    ├── TooManyTurns             one person asks more than may be answered; nobody else waits
    └── NotFound                 no document of that id

Raised by our own code and, ``from`` the original, at the one place where each foreign library is
called. Nothing else may reach a front end.
"""


class RagError(Exception):
    """Its text may be shown to anyone: no secret, no path of the server, no stack trace."""


class SettingsError(RagError):
    pass


class DocumentError(RagError):
    pass


class UnsupportedFile(DocumentError):
    pass


class EmptyDocument(DocumentError):
    pass


class EncryptedDocument(DocumentError):
    pass


class BrokenDocument(DocumentError):
    pass


class DocumentTooLarge(DocumentError):
    pass


class LibraryError(RagError):
    pass


class LedgerError(RagError):
    pass


class PeopleError(RagError):
    pass


class NotYours(PeopleError):
    pass


class SearchError(RagError):
    pass


class IndexLocked(SearchError):
    pass


class ModelError(RagError):
    pass


class ModelUnavailable(ModelError):
    pass


class ModelUnreachable(ModelUnavailable):
    pass


class ModelNotFound(ModelError):
    pass


class ModelRefused(ModelError):
    pass


class ModelBusy(ModelError):
    pass


class ModelTimeout(ModelError):
    pass


class ContextTooLong(ModelError):
    pass


class WeightsError(RagError):
    pass


class DownloadFailed(WeightsError):
    pass


class HashMismatch(WeightsError):
    pass


class DiskFull(WeightsError):
    pass


class QuestionSetError(RagError):
    pass


class ExperimentError(RagError):
    pass


class TooManyTurns(RagError):
    """``wait_s``: after so many seconds there is room again; None where a turn has to end first."""

    def __init__(self, text: str, wait_s: int | None = None) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class ProgramEnding(RagError):
    pass


class NotFound(RagError):
    pass
