"""Whether a tokenizer belongs to a model."""

from typing import Any

from protocol import RunFailure


def check_vocabulary(tokenizer: Any, embedding_rows: int, highest_id: int = -1) -> None:
    """Refuses a tokenizer that writes ids the model has no embedding for; `highest_id` is the highest in any row.

    Added tokens beyond the embeddings that no row uses are allowed: Gemma 3's text models ship an image token of that kind.
    """
    named = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    highest = max(int(tokenizer.vocab_size) - 1, highest_id, *(int(i) for i in named if i is not None))
    if highest < embedding_rows:
        return
    message = (
        f"The tokenizer does not belong to this model: its token {tokenizer.convert_ids_to_tokens(highest)!r} has the number "
        f"{highest:,}, but the model knows only {embedding_rows:,} tokens."
    )
    raise RunFailure("MODEL_NOT_FOUND", message, "Use a model folder whose tokenizer files were published with its weights.")
