# SPDX-License-Identifier: GPL-2.0
"""Pages from the templates in web/."""
from pathlib import Path

from result import ResultError

WEB = Path(__file__).parent / "web"


def render(template, **values):
    try:
        import jinja2
    except ImportError:
        raise ResultError("the Python module jinja2 is missing; install python3-jinja2 (tools/rig/deps does)")
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(WEB), autoescape=True, undefined=jinja2.StrictUndefined,
                             trim_blocks=True, lstrip_blocks=True)
    return env.get_template(template).render(values)
