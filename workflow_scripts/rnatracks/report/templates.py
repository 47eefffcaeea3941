"""HTML pages from Jinja templates."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..files import write_text


def write_page(target: Path, template: Path, **given: object) -> None:
    """Fill a template, which may include files from its folder; `target` is complete or absent.

    Parameters
    ----------
    target
        The HTML file.
    template
        Jinja template. Text is escaped, and a name that is missing in `given` is an error.
    given
        Values that the template uses, by name.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template.name).render(given)
    write_text(target, page)
