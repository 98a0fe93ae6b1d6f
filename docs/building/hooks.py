"""What MkDocs cannot do by itself: pages made of the package, README and notebooks; links that lead out of docs/."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any

import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
# files that are pages of the site though they do not lie in docs/
ELSEWHERE = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
ELSEWHERE["SECURITY.md"] = "security.md"
LINK = re.compile(r"(?:\[([^\[\]]*))?(\]\()(?![a-z]+:|#)([^)#\s]*)((?:#[^)]*)?\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that are made into the navigation: where it names a folder, all of the folder's."""
    made = reference.pages()
    config.nav = [_filled(item, made) for item in config.nav or []]
    return config


def _filled(item: Any, made: dict[str, str]) -> Any:
    if isinstance(item, dict):
        [(title, inside)] = item.items()
        return {title: _filled(inside, made)}
    if isinstance(item, list):
        return [_filled(part, made) for part in item]
    if item.endswith("/"):
        inside = [path for path in made if path.startswith(item)]
        return [path if path.endswith("/index.md") else {Path(path).stem: path} for path in inside]
    return item


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    pages = {**reference.pages(), **{f"tutorials/{path.stem}.md": notebook(path) for path in NOTEBOOKS.glob("*.ipynb")}}
    for source, page in ELSEWHERE.items():
        pages[page] = (ROOT / source).read_text(encoding="utf-8")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site where there is one, else into the repository, or nowhere if none is named."""
    homes = {page: source for source, page in ELSEWHERE.items()}
    path = page.file.src_uri
    is_notebook = path.startswith("tutorials/")
    home = homes.get(path) or (f"notebooks/{Path(path).stem}.ipynb" if is_notebook else f"docs/{path}")

    def lead(found: re.Match) -> str:
        label, middle, place, end = found.groups()
        start = middle if label is None else f"[{label}{middle}"
        target = posixpath.normpath(posixpath.join(posixpath.dirname(home), place))
        if not (ROOT / target).exists():
            return found[0]  # of a page that is made; what leads nowhere MkDocs tells
        inside = ELSEWHERE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if target.startswith("notebooks/") and target.endswith(".ipynb"):
            inside = f"tutorials/{Path(target).stem}.md"
        if inside is None or files.get_file_from_path(inside) is None:
            if repository := config.extra["repository"]:
                return f"{start}https://github.com/{repository}/blob/main/{target}{end}"
            return found[0] if label is None else label
        return start + posixpath.relpath(inside, posixpath.dirname(path) or ".") + end

    fences = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(text if text.startswith("```") else LINK.sub(lead, text) for text in fences)


def notebook(path: Path) -> str:
    """A notebook as Markdown: its text, its code, what it printed and the pictures it showed."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            pictures = [kind for kind in ("image/png", "image/jpeg") if kind in data]
            if pictures:
                parts.append(f"![what the cell draws](data:{pictures[0]};base64,{''.join(data[pictures[0]]).strip()})")
            elif text := "".join(output.get("text", []) or data.get("text/plain", [])).rstrip():
                parts.append(f"```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"
