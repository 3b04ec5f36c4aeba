"""The frozen training file: read once, checked against what the run was made for."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol import DatasetRef, RunFailure
from storage import sha256_file

Message = dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """One row of the training file."""

    messages: list[Message]
    tools: list[Any] | None = None


def read_rows(volume: Path, reference: DatasetRef) -> list[Conversation]:
    """Reads the frozen training file after checking that it is the one the run was made for."""
    path = volume / reference.key
    advice = "Start the run again from the app, which uploads the dataset anew."
    if not path.is_file():
        raise RunFailure("DATASET_MISMATCH", f"The training file {reference.key} is not on the volume.", advice)
    size = path.stat().st_size
    if size != reference.bytes or sha256_file(path) != reference.sha256:
        raise RunFailure("DATASET_MISMATCH", f"The training file {reference.key} is not the one the run was made for.", advice)
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                rows.append(_conversation(line, number))
    if len(rows) != reference.rows:
        message = f"The training file has {len(rows)} rows; the run was made for {reference.rows}."
        raise RunFailure("DATASET_MISMATCH", message, advice)
    return rows


def _conversation(line: str, number: int) -> Conversation:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    messages = row.get("messages") if isinstance(row, dict) else None
    tools = row.get("tools") if isinstance(row, dict) else None
    if isinstance(messages, list) and messages and all(_is_message(message) for message in messages):
        # An empty list of tools is none: some templates speak of tools as soon as there is a list.
        return Conversation([_as_templates_read(message) for message in messages], tools if isinstance(tools, list) and tools else None)
    advice = "Import the dataset again, then start a new run."
    raise RunFailure("DATASET_MISMATCH", f"Line {number} of the training file is not a conversation.", advice)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


def _as_templates_read(message: Message) -> Message:
    """Arguments of a tool call as an object, not as the JSON text of OpenAI's format; reasoning also under gpt-oss's name for it."""
    if isinstance(message.get("reasoning_content"), str):
        message = {**message, "thinking": message["reasoning_content"]}
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_call_with_arguments(call) for call in calls]}


def _call_with_arguments(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    text = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(text, str):
        return call
    try:
        arguments = json.loads(text)
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}} if isinstance(arguments, (dict, list)) else call
