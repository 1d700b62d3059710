"""The page's sentences in English and Romanian: a key and values in, a sentence out.

It knows nothing of where they stand. The labels of the page's own buttons and dialogs are in
``.chainlit/translations``; sentences of ``RagError`` are English in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ENGLISH = {
    # starting
    "opening": "Opening the library",
    "opening_file": "Opening the library: {name}",
    "download": "Fetching {model}: {percent}",
    "convert": "Preparing {model} for this machine, once: {percent}",
    "load": "Loading {model}",
    "wait": "Waiting for {model}",
    "a_model": "the model",
    "waiting": "{state}",
    "kept": "{state} · your question is kept",
    # starters
    "starter_about": "What can you do?",
    "starter_about_message": "What can Edge RAG Chat do?",
    "starter_files": "Which files can I drop in?",
    "starter_files_message": "Which files can I drop into the chat?",
    "starter_models": "Use another model",
    "starter_models_message": "How do I use a model from another server?",
    "starter_card": "Read the latency card",
    "starter_card_message": "What do the figures under an answer mean?",
    # settings
    "tab_answers": "Answers",
    "tab_models": "Models",
    "mode": "Answer with",
    "mode_slm": "Small model: fast",
    "mode_llm": "Large model: slower, better",
    "slm": "Small model",
    "llm": "Large model",
    "slm_other": "Small model elsewhere",
    "slm_other_help": "Another server's model: its address, # and its name. It wins over the list.",
    "llm_other": "Large model elsewhere",
    "llm_other_help": "Another server's model: its address, # and its name. It wins over the list.",
    "as_set": "As configured: {value}",
    "none": "none",
    "top_k": "Passages",
    "top_k_help": "How many passages the model reads. Small models answer best with few.",
    "automatic": "Automatic",
    "context_tokens": "Room for passages",
    "temperature": "Temperature",
    "temperature_help": "0 repeats itself; higher varies.",
    "documents": "Search only in",
    "documents_help": "Nothing chosen: everything is searched.",
    "bad_model": "“{value}” is not URL#MODEL, such as http://127.0.0.1:11434/v1#llama3.2:3b. "
    "The model was left as it was.",
    # files
    "reading": "Reading {files}",
    "read": "Read {files}",
    "read_some": "Read {done} of {files}",
    "file_waiting": "waiting",
    "file_page": "page {page} of {pages}",
    "file_ready": "{pages}, {chunks}",
    "file_known_chat": "already in this chat",
    "file_known_library": "already in the library",
    "file_failed": "could not be read",
    "files_ready": "{names} can now be asked about.",
    "upload_too_large": "It is larger than {limit} MB. Split it, or raise RAG_MAX_FILE_MB.",
    "upload_no_session": "This chat has ended. Reload the page and drop the file again.",
    "upload_bad": "The upload was cut short. Drop the file again.",
    # documents panel
    "listing": "Documents",
    "origin_chat": "This chat",
    "origin_library": "Library",
    "remove": "Remove",
    "remove_sure": "Remove for good?",
    "keep": "Keep",
    "filter": "Filter by name",
    "no_documents": "No documents yet. Drop files into the chat.",
    "no_match": "No document of that name.",
    "more": "and {count} more: filter by name",
    "open": "Open",
    "removed": "“{name}” was removed.",
    # search step
    "searched": "Found {passages}, {used} read by the model",
    "searched_none": "Nothing found",
    "search_query": "Searched for",
    "search_background": "with earlier turns in mind",
    "search_none": "No passage shares a word with the question.",
    "column_passage": "Passage",
    "column_terms": "Matched",
    "column_score": "Score",
    "fits": "read by the model",
    "budget": "{used} of {budget} tokens",
    # answer card
    "sources": "Sources",
    "details": "Details",
    "total": "Total",
    "stage_retrieve": "Search",
    "stage_pack": "Pack passages",
    "stage_queue": "Wait for the model",
    "stage_first_token": "Read the prompt",
    "stage_generate": "Write",
    "stage_check": "Check",
    "stage_escalate": "Large model",
    "stage_other": "Between",
    "speed": "{speed} tokens/s",
    "tokens": "{prompt} tokens read, {completion} written",
    "tokens_estimated": "about {prompt} tokens read, {completion} written",
    "used_model": "Model",
    "passages": "Room for passages",
    "confidence": "Confidence",
    "trace": "Trace",
    "cost": "Cost",
    "badge_slm": "Small model",
    "badge_llm": "Large model",
    "badge_refined": "Refined",
    "badge_uncertain": "Uncertain",
    "badge_declined": "Not in your documents",
    "unsupported": "not backed by this passage",
    # passage view
    "page": "Page {page}",
    "whole_document": "Open the document",
    # ends
    "stopped": "Stopped.",
    "cut_off": "The answer broke off here.",
    "unexpected": "Something went wrong here that should not have. Try again; if it stays, "
    "look for “{trace}” in the log.",
}

ROMANIAN = {
    "opening": "Se deschide biblioteca",
    "opening_file": "Se deschide biblioteca: {name}",
    "download": "Se descarcă {model}: {percent}",
    "convert": "Se pregătește {model} pentru acest calculator, o singură dată: {percent}",
    "load": "Se încarcă {model}",
    "wait": "Se așteaptă {model}",
    "a_model": "modelul",
    "waiting": "{state}",
    "kept": "{state} · întrebarea este păstrată",
    "starter_about": "Ce știi să faci?",
    "starter_about_message": "Ce poate face Edge RAG Chat?",
    "starter_files": "Ce fișiere pot aduce?",
    "starter_files_message": "Ce fișiere pot aduce în discuție?",
    "starter_models": "Folosește alt model",
    "starter_models_message": "Cum folosesc alt model, de pe alt server?",
    "starter_card": "Cum citesc fișa răspunsului?",
    "starter_card_message": "Ce înseamnă cifrele de sub un răspuns?",
    "tab_answers": "Răspunsuri",
    "tab_models": "Modele",
    "mode": "Răspunde cu",
    "mode_slm": "Modelul mic: rapid",
    "mode_llm": "Modelul mare: mai lent, mai bun",
    "slm": "Modelul mic",
    "llm": "Modelul mare",
    "slm_other": "Modelul mic, din altă parte",
    "slm_other_help": "Un model de pe alt server: adresa, # și numele. Are întâietate.",
    "llm_other": "Modelul mare, din altă parte",
    "llm_other_help": "Un model de pe alt server: adresa, # și numele. Are întâietate.",
    "as_set": "Cum este configurat: {value}",
    "none": "niciunul",
    "top_k": "Pasaje",
    "top_k_help": "Câte pasaje citește modelul. Modelele mici răspund mai bine cu puține.",
    "automatic": "Automat",
    "context_tokens": "Loc pentru pasaje",
    "temperature": "Temperatură",
    "temperature_help": "0 se repetă; mai sus variază.",
    "documents": "Caută doar în",
    "documents_help": "Nimic ales: se caută peste tot.",
    "bad_model": "„{value}” nu este URL#MODEL, de exemplu http://127.0.0.1:11434/v1#llama3.2:3b. "
    "Modelul a rămas cel dinainte.",
    "reading": "Se citesc: {files}",
    "read": "Citite: {files}",
    "read_some": "Citite: {done} din {files}",
    "file_waiting": "așteaptă",
    "file_page": "pagina {page} din {pages}",
    "file_ready": "{pages}, {chunks}",
    "file_known_chat": "este deja în această discuție",
    "file_known_library": "este deja în bibliotecă",
    "file_failed": "nu a putut fi citit",
    "files_ready": "Puteți întreba despre {names}.",
    "upload_too_large": "Depășește {limit} MB. Împărțiți fișierul sau măriți RAG_MAX_FILE_MB.",
    "upload_no_session": "Discuția s-a încheiat. Reîncărcați pagina și trageți fișierul din nou.",
    "upload_bad": "Încărcarea s-a întrerupt. Trageți fișierul din nou.",
    "listing": "Documente",
    "origin_chat": "Această discuție",
    "origin_library": "Bibliotecă",
    "remove": "Scoate",
    "remove_sure": "Sigur?",
    "keep": "Păstrează",
    "filter": "Caută după nume",
    "no_documents": "Niciun document. Trageți fișiere în discuție.",
    "no_match": "Niciun document cu acest nume.",
    "more": "și încă {count}: căutați după nume",
    "open": "Deschide",
    "removed": "„{name}” a fost scos.",
    "searched": "Pasaje găsite: {found}, citite de model: {used}",
    "searched_none": "Nu s-a găsit nimic",
    "search_query": "S-a căutat",
    "search_background": "ținând cont de cele spuse înainte",
    "search_none": "Niciun pasaj nu are vreun cuvânt din întrebare.",
    "column_passage": "Pasaj",
    "column_terms": "Potriviri",
    "column_score": "Scor",
    "fits": "citit de model",
    "budget": "{used} din {budget} tokeni",
    "sources": "Surse",
    "details": "Detalii",
    "total": "Total",
    "stage_retrieve": "Căutare",
    "stage_pack": "Alegerea pasajelor",
    "stage_queue": "Așteptarea modelului",
    "stage_first_token": "Citirea întrebării",
    "stage_generate": "Scriere",
    "stage_check": "Verificare",
    "stage_escalate": "Modelul mare",
    "stage_other": "Între etape",
    "speed": "{speed} tokeni/s",
    "tokens": "{prompt} tokeni citiți, {completion} scriși",
    "tokens_estimated": "circa {prompt} tokeni citiți, {completion} scriși",
    "used_model": "Model",
    "passages": "Loc pentru pasaje",
    "confidence": "Încredere",
    "trace": "Urmă",
    "cost": "Cost",
    "badge_slm": "Modelul mic",
    "badge_llm": "Modelul mare",
    "badge_refined": "Rafinat",
    "badge_uncertain": "Nesigur",
    "badge_declined": "Nu este în documente",
    "unsupported": "nesusținut de acest pasaj",
    "page": "Pagina {page}",
    "whole_document": "Deschide documentul",
    "stopped": "Oprit.",
    "cut_off": "Răspunsul s-a întrerupt aici.",
    "unexpected": "Ceva nu a mers cum trebuie. Încercați din nou; dacă se repetă, "
    "căutați „{trace}” în jurnal.",
}

NOUNS = {
    "en": {
        "page": ("page", "pages"),
        "passage": ("passage", "passages"),
        "file": ("file", "files"),
    },
    "ro": {
        "page": ("pagină", "pagini"),
        "passage": ("pasaj", "pasaje"),
        "file": ("fișier", "fișiere"),
    },
}


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's sentences. KeyError for a key that is not there."""

    language: str  # "en" or "ro"

    @property
    def _sentences(self) -> Mapping[str, str]:
        return ROMANIAN if self.language == "ro" else ENGLISH

    def __call__(self, key: str, **values: object) -> str:
        return self._sentences[key].format(**values)

    def knows(self, key: str) -> bool:
        return key in self._sentences

    def group(self, *keys: str) -> dict[str, str]:
        """The sentences of these keys that take no values, for a page element's labels."""
        return {key: self._sentences[key] for key in keys}

    def count(self, number: int, noun: str) -> str:
        """The number with its noun.

        >>> Wording("ro").count(20, "page")
        '20 de pagini'
        """
        one, many = NOUNS[self.language][noun]
        if number == 1:
            return f"1 {one}"
        needs_de = self.language == "ro" and number != 0 and not 0 < number % 100 < 20  # noqa: PLR2004
        return f"{number} {'de ' if needs_de else ''}{many}"


def wording(browser_language: str) -> Wording:
    """The sentences for a browser's language, such as ``ro-RO``; English for all others."""
    return Wording("ro" if browser_language.lower().split("-")[0] == "ro" else "en")
