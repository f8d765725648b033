"""The send token: what only one can create, whoever sends a submission or whoever takes it over.

It lies beside the submission's record, in the same storage, one for each attempt. The sender creates it as
`sent` just before the paid call; whoever takes over an attempt that was left behind creates it as `void`.
Creation is exclusive, so only one of them can win, on any machine: an attempt without a token was surely not
sent, and once it is void it never will be, however long its process was stopped before it wakes.
"""

import json
import uuid
from dataclasses import dataclass

from prefect_kie.storage.base import Storage

FOLDER = "kie-send-tokens"
SEND_SECONDS = 60.0
"""How long after its token a call may begin. A process that was stopped meanwhile sends nothing, since a
person may have released its submission by then."""


@dataclass(frozen=True)
class SendToken:
    """The token of one attempt at a submission; its methods raise whatever the storage raises."""

    storage: Storage
    attempt: str

    async def send(self) -> bool:
        """Note that the paid call may begin; False where the attempt is void: nothing may be sent."""
        return await self._create("sent")

    async def void(self) -> bool:
        """Declare that the attempt is never sent, unless it may have been; returns whether this call did it:
        of all who declare it, one.
        """
        return await self._create("void")

    async def is_sent(self) -> bool:
        """Whether the paid call may have begun."""
        content = await self.storage.read(self.path)
        return content is not None and b'"void"' not in content  # a damaged one may have been either

    async def drop(self) -> None:
        """Remove it, once the attempt's outcome is known and its record is gone."""
        await self.storage.delete(self.path)

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.attempt}.json"

    async def _create(self, state: str) -> bool:
        # With a mark of its own: a store may repeat a creation whose answer was lost, and then has to be
        # asked whose file is there.
        content = json.dumps({"state": state, "by": uuid.uuid4().hex})
        return await self.storage.create(self.path, content.encode())
