"""Texts of mails from templates: ``mail_templates/<kind>.<language>.subject`` and ``.txt``, both plain text.

The HTML part shows the text inside ``layout.html``, its links clickable; a kind that needs more has a template
``<kind>.<language>.html`` of its own. Values are data: they are escaped in HTML and never read as templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

FOLDER = Path(__file__).parent / "mail_templates"
LANGUAGES = ("es", "en")
SUBJECT_MAX = 300

_templates = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),  # the rest is plain text
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says. ``subject`` is one line."""

    subject: str
    plain: str
    html: str


def render(kind: str, language: str, values: Mapping[str, Any]) -> Text:
    """The mail of ``kind`` in ``language``; one that there is no text in gets the Spanish one.

    Raises jinja2.TemplateNotFound for an unknown kind, jinja2.UndefinedError for a value that the text needs.
    """
    spoken = language if language in LANGUAGES else LANGUAGES[0]
    subject = _templates.get_template(f"{kind}.{spoken}.subject").render(values)
    plain = _templates.get_template(f"{kind}.{spoken}.txt").render(values).strip() + "\n"
    one_line = " ".join(subject.split())[:SUBJECT_MAX]
    page = _templates.select_template([f"{kind}.{spoken}.html", "layout.html"])
    paragraphs = [part.strip() for part in plain.split("\n\n") if part.strip()]
    given = {**values, "subject": one_line, "paragraphs": paragraphs, "language": spoken}
    return Text(one_line, plain, page.render(given))
