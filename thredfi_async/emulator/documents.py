"""Documents: files sent in forms or ahead of them, shown on what they belong to."""

from __future__ import annotations

from typing import Any

from ..operation import Operation, Replay, TokenScope
from .books import Document, Row
from .call import Answer, Call, Handler
from .forms import File
from .problems import REQUIRED, invalid, not_found

__all__ = ["HANDLERS", "OPEN", "OPERATIONS", "document_view", "documents_view", "sent_documents"]


# --- for resources ---------------------------------------------------------------------


def sent_documents(call: Call) -> list[Document]:
    """The document of a create or a change: one, or none. Raises 400.

    It is the file of a form, or the one uploaded before whose id is the ``file`` of the body's
    ``document``. A file is kept with this: call it after all other checks.
    """
    said = _said(call)
    for candidate in (call.data.get("file"), call.data.get("document"), said.get("file")):
        if isinstance(candidate, File):
            return [_keep(call, candidate)]
    named = said.get("file")
    if named is None:
        return []
    found = call.books.documents.get(named) if isinstance(named, str) else None
    if found is None:
        raise invalid(**{"document.file": "No uploaded file has this document_id."})
    return [found]


def document_view(call: Call, row: Row) -> dict[str, Any] | None:
    """The latest document of a row, as the API shows it; None without one."""
    return _view(call, row.documents[-1]) if row.documents else None


def documents_view(call: Call, row: Row) -> list[dict[str, Any]]:
    """All documents of a row, as the API shows them."""
    return [_view(call, document) for document in row.documents]


def _said(call: Call) -> dict[str, Any]:
    """What the body says of its document: in an object, or in parts ``document.name`` of a form."""
    document = call.data.get("document")
    said = dict(document) if isinstance(document, dict) else {}
    for name, value in call.data.items():
        if name.startswith("document."):
            said[name.removeprefix("document.")] = value
    return said


def _keep(call: Call, file: File) -> Document:
    document = Document(
        id=call.world.new_id(),
        name=file.name,
        content_type=file.content_type,
        content=bytes(file),
        created_at=call.now,
    )
    call.books.documents[document.id] = document
    return document


def _view(call: Call, document: Document) -> dict[str, Any]:
    path = f"/documents/{call.books.id}/{document.id}"
    return {
        "document_id": document.id,
        "url": f"http://{call.headers.get('Host')}{path}",
        "file_name": document.name,
        "file_size": len(document.content),
        "mime_type": document.content_type,
    }


# --- endpoints outside of the description ------------------------------------------------


def _upload(call: Call) -> Answer:
    file = call.data.get("file")
    if not isinstance(file, File):
        raise invalid(file=REQUIRED)
    return Answer(201, {"document_id": _keep(call, file).id, "task_id": None})


def _download(call: Call) -> Answer:
    document = call.books.documents.get(call.path["document_id"])
    if document is None:
        raise not_found("document")
    return Answer(200, File.of(document.content, document.name, document.content_type))


_UPLOADS = tuple(
    Operation[Any](
        id=f"upload_{place.replace('-', '_')}",
        method="POST",
        path=f"/v1/platform/businesses/{{business_id}}/{place}/upload/",
        tag="Documents",
        scope=TokenScope.BUSINESS,
        replay=Replay.UNSAFE,
        path_parameters=("business_id",),
        bodies=(("multipart/form-data", None),),
        undocumented=True,
    )
    for place in ("ar-documents", "ap-documents", "documents")
)
_DOWNLOAD = Operation[Any](
    id="download_document",
    method="GET",
    path="/documents/{business_id}/{document_id}/",
    tag="Documents",
    scope=TokenScope.BUSINESS,
    replay=Replay.SAFE,
    path_parameters=("business_id", "document_id"),
    undocumented=True,
)

OPERATIONS = (*_UPLOADS, _DOWNLOAD)
OPEN = frozenset({_DOWNLOAD.id})  # without a token: browsers follow the link
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys((operation.id for operation in _UPLOADS), _upload),
    _DOWNLOAD.id: _download,
}
