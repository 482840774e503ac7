"""Clients that repeat a request with the same key until it is answered for good, and what they were promised meanwhile."""

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

IVA = {"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False}
PAUSE_S = 0.03
TIMEOUT_S = 30
SILENCE_S = 10


@dataclass(frozen=True)
class Access:
    """A team's test key and one of its clients."""

    token: str
    client_id: str


@dataclass(frozen=True)
class Promise:
    """One final answer. ``word``: valid, failed, pending (202 of an asynchronous request), canceled."""

    request: str
    word: str
    id: str
    uuid: str | None = None
    folio: int | None = None
    total: str | None = None


@dataclass
class History:
    """What the clients saw."""

    promises: list[Promise] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # answers that no server should give
    requests: int = 0
    unanswered: int = 0


@dataclass
class Sale:
    """A stamped document as its client knows it."""

    uuid: str
    id: str
    total: int
    credited: int = 0
    egresses: int = 0
    of: "Sale | None" = None
    is_canceled: bool = False
    is_busy: bool = False


Deed = Callable[[], Any]  # gives True when it is done, False to be tried again later


class Client:
    """One customer's program. ``urls``: the replicas, taken in turn."""

    def __init__(self, number: int, seed: int, urls: list[str], access: Access, history: History) -> None:
        self.name = f"c{number}"
        self.random = random.Random(f"{seed}/{number}")
        self.urls = itertools.cycle(urls[number % len(urls) :] + urls[: number % len(urls)])
        self.headers = {"authorization": f"Bearer {access.token}", "content-type": "application/json"}
        self.client_id = access.client_id
        self.history = history
        self.sales: list[Sale] = []
        self.later: list[Deed] = []
        self.numbers = itertools.count(1)
        self.http = httpx.AsyncClient(timeout=TIMEOUT_S)

    async def live(self, stopped: asyncio.Event) -> None:
        """One deed after the other until told to stop; what cannot be finished yet is kept for ``finish``."""
        while not stopped.is_set():
            deed = self._next()
            if not await deed():
                self.later.append(deed)

    async def finish(self, patience_s: float) -> None:
        """Everything begun is answered, or stays in ``later``."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while self.later and asyncio.get_running_loop().time() < deadline:
            deed = self.later.pop(0)
            if not await deed():
                self.later.append(deed)
                await asyncio.sleep(0.2)
        await self.http.aclose()

    def _next(self) -> Deed:
        name = f"{self.name}-{next(self.numbers)}"
        free = [sale for sale in self.sales if not (sale.is_canceled or sale.is_busy)]
        credible = [sale for sale in free if sale.of is None and sale.total - sale.credited >= 2]
        cancelable = [sale for sale in free if sale.egresses == 0]
        choice = self.random.random()
        if choice < 0.2 and credible:
            return self._credit(name, self.random.choice(credible))
        if choice < 0.35 and cancelable:
            return self._cancel(self.random.choice(cancelable), "02", None)
        if choice < 0.4 and cancelable:
            old = self.random.choice(cancelable)
            return self._replace(name, old) if old.of is None else self._cancel(old, "02", None)
        return self._sell(name)

    # --- deeds -----------------------------------------------------------------------------------------------------

    def _sell(self, name: str) -> Deed:
        price = self.random.randint(1, 5_000)
        hint = self.random.choices(
            ["", "pac_timeout", "pac_timeout_lost", "reject:CFDI40147", "pac_down_first"], [80, 5, 5, 5, 5]
        )[0]
        extra: dict[str, Any] = {"async": True} if self.random.random() < 0.1 else {}
        if self.random.random() < 0.3:
            extra |= {"payment_method": "PPD", "payment_form": "99"}
        return self._issue("income", name, price, hint, extra, None)

    def _credit(self, name: str, sale: Sale) -> Deed:
        price = self.random.randint(1, max(1, (sale.total - sale.credited) * 100 // 116 - 1))
        related = {"related_documents": [{"relationship": "01", "documents": [sale.uuid]}]}
        return self._issue("egress", name, price, "", related, sale)

    def _issue(self, kind: str, name: str, price: int, hint: str, extra: dict[str, Any], of: Sale | None) -> Deed:
        metadata = {"request": name, **({"sandbox": hint} if hint else {})}
        items = [{"description": "Consultoría", "unit_price": price, "taxes": [IVA]}]
        body = {"client": {"id": self.client_id}, "items": items, "metadata": metadata, **extra}
        if of is not None:
            of.is_busy, of.egresses = True, of.egresses + 1

        async def deed() -> bool:
            reply = await self._ask("POST", f"/invoices/{kind}", body, name)
            if reply is None or (reply.status_code == 202 and "async" not in extra):
                return False
            self._keep(name, reply, of, is_refused=hint.startswith("reject"))
            return True

        return deed

    def _keep(self, name: str, reply: httpx.Response, of: Sale | None, *, is_refused: bool) -> None:
        content = reply.json()
        data = content.get("data") or content["error"].get("invoice") or {}
        expected = (422, 202) if is_refused else (201, 202)
        if reply.status_code not in expected:
            self.history.faults.append(f"{name}: {reply.status_code} {reply.text[:300]}")
            return
        word = {201: "valid", 202: "pending", 422: "failed"}[reply.status_code]
        id_ = data.get("internal_id") or data["id"]
        promise = Promise(name, word, id_, data.get("uuid"), data.get("folio_number"), str(data.get("total")))
        self.history.promises.append(promise)
        if word != "valid":
            return
        sale = Sale(data["uuid"], id_, int(data["total"]), of=of)
        self.sales.append(sale)
        if of is not None:
            of.is_busy, of.credited = False, of.credited + sale.total + 1

    def _replace(self, name: str, old: Sale) -> Deed:
        related = {"related_documents": [{"relationship": "04", "documents": [old.uuid]}]}
        issue = self._issue("income", name, max(1, old.total * 100 // 116), "", related, None)
        old.is_busy = True
        cancel: list[Deed] = []

        async def deed() -> bool:
            if not cancel:
                if not await issue():
                    return False
                if not self.sales or self.history.promises[-1].request != name:
                    return True  # refused: the history has it
                cancel.append(self._cancel(old, "01", self.sales[-1].uuid))
            return bool(await cancel[0]())

        return deed

    def _cancel(self, sale: Sale, motive: str, by: str | None) -> Deed:
        body = {"motive": motive, **({"substitution_uuid": by} if by else {})}
        sale.is_busy = True

        async def deed() -> bool:
            reply = await self._ask("DELETE", f"/invoices/{sale.uuid}", body, "")
            if reply is None or reply.status_code == 202:
                return False
            if reply.status_code != 200:
                self.history.faults.append(f"cancel {sale.uuid}: {reply.status_code} {reply.text[:300]}")
                return True
            if reply.json()["data"]["status"] != "canceled":
                return False
            sale.is_canceled = True
            self.history.promises.append(Promise("", "canceled", sale.id, sale.uuid))
            if sale.of is not None:
                sale.of.egresses -= 1
                sale.of.credited -= sale.total + 1
            return True

        return deed

    async def _ask(self, method: str, path: str, body: Any, key: str) -> httpx.Response | None:
        """The answer; None when somebody else is at it, or no replica answers for a while."""
        headers = {**self.headers, **({"idempotency-key": key} if key else {})}
        deadline = asyncio.get_running_loop().time() + SILENCE_S
        refusals = 0
        while refusals < 3 and asyncio.get_running_loop().time() < deadline:
            self.history.requests += 1
            try:
                reply = await self.http.request(method, f"{next(self.urls)}/v2{path}", json=body, headers=headers)
            except httpx.HTTPError:
                self.history.unanswered += 1
                await asyncio.sleep(PAUSE_S * (1 + self.random.random()))
                continue
            is_early = reply.status_code == 409 and ("still running" in reply.text or "in progress" in reply.text)
            if reply.status_code not in (429, 503) and not is_early:
                return reply
            refusals += 1
            await asyncio.sleep(PAUSE_S)
        return None
