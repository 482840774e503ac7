"""Background work, done by DBOS Transact in our own database. This module is the only one that knows the engine.

The engine carries names and ids, never state: what is due is a fact of our tables, and a job that finds its work done
ends at once. So a job may run twice (a process died in the middle, a replica was paused) and must bear it.

* ``enqueue`` is part of the caller's transaction: committed with it or not at all.
* A job that raises is tried again after RETRY_DELAYS_S; after the last one only the sweeps that read due rows remain.
* A schedule fires once per tick over all replicas. A tick that finds the previous one still running here is skipped.
* Every process is an executor of its own, with a heartbeat row. Work of an executor without one is handed out again.

docs/decisions/0005-background-work.md has the figures behind the numbers.
"""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, ScheduleInput
from dbos import DBOSPortableJSONSerializer as PortableJson
from sqlalchemy import Column, Engine, String, Table, create_engine, delete, event, select

from timbra.platform.clock import Clock
from timbra.platform.config import Settings
from timbra.platform.db import Database, Instant, Tx, insert_or, metadata
from timbra.platform.engines import sqlite_module
from timbra.platform.ids import new_id

APPLICATION = "timbra"
APPLICATION_VERSION = "1"  # constant: work queued by one release is done by the next
QUEUE = "jobs"
ZONE = "America/Mexico_City"
POLL_S = 1.0
CONCURRENCY = 50
ENGINE_CONNECTIONS = 4
DRAIN_S = 30
BEAT_S = 10.0
LOST_AFTER_MS = 45_000
KEEP_FINISHED_MS = 24 * 3_600_000
FORGET_BATCH = 500
RETRY_DELAYS_S = (5, 15, 30, 60, 120, 300)
FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

Job = Callable[..., Awaitable[None]]

log = structlog.get_logger(__name__)

job_workers = Table(
    "job_workers",
    metadata,
    Column("executor_id", String(40), primary_key=True),
    Column("seen_ms", Instant, nullable=False),
)


class JobFailed(Exception):
    """What the engine stores for a job that failed for good: the kind of error, none of its text."""


class Jobs:
    """The jobs of one database. ``enqueue`` works in every process, the rest between ``start`` and ``stop``."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._log_level = "INFO" if settings.log_level == "DEBUG" else "WARNING"
        self._functions: dict[str, Job] = {}
        self._schedules: dict[str, tuple[str, Job]] = {}
        self._running: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beats: asyncio.Task[None] | None = None
        self.executor_id = new_id("wrk")
        self.every("jobs.forget_finished", "17 3 * * *", self._forget_finished)

    def register(self, name: str, function: Job) -> None:
        """From now on jobs called ``name`` are done by ``await function(*ids)``."""
        assert name not in self._functions, name
        self._functions[name] = function

    def every(self, name: str, cron: str, function: Job) -> None:
        """``await function()`` runs at the times of ``cron`` (Mexico City; six fields begin with seconds)."""
        assert name not in self._schedules, name
        self._schedules[name] = (cron, function)

    def enqueue(self, tx: Tx, name: str, *ids: str, delay_s: float = 0, key: str | None = None) -> None:
        """The job is durable when ``tx`` commits and starts after ``delay_s`` seconds, to the second.

        A ``key`` names the job: enqueued again with the same name and key within a day, it is still done only once.
        """
        assert name in self._functions, name
        options: EnqueueOptions = {
            "workflow_name": name,
            "queue_name": QUEUE,
            "workflow_id": new_id("job") if key is None else f"{name}:{key}",
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s
        self._client.enqueue_in_transaction(tx.connection, options, 0, *ids)

    async def start(self) -> None:
        """Jobs and schedules run, on this very event loop, until ``stop``. One ``Jobs`` per process can be started."""
        self._loop = asyncio.get_running_loop()
        await self._beat()
        await asyncio.to_thread(self._launch)
        self._beats = asyncio.create_task(self._keep_beating())

    async def stop(self) -> None:
        """Nothing new is begun, what runs has ended or, after DRAIN_S, is left to be begun again. Idempotent."""
        if self._beats is not None:
            drain_s = DRAIN_S if self._running else 0
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=drain_s)
            self._beats.cancel()
            self._beats = None
            await self._database.write(
                lambda tx: tx.execute(delete(job_workers).where(job_workers.c.executor_id == self.executor_id))
            )
        self.close()

    def close(self) -> None:
        """No connection of the engine is left."""
        if "_client" in self.__dict__:
            self._client.destroy()
            self._engine.dispose()
            del self._client, self._engine

    @cached_property
    def _engine(self) -> Engine:
        return _make_engine(self._database)

    @cached_property
    def _client(self) -> DBOSClient:
        return _make_client(self._engine)

    def _launch(self) -> None:
        """Runs in a thread without an event loop, so that the engine keeps a loop of its own for its bookkeeping."""
        _quiet_logger(self._log_level)
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor_id,
            "system_database_engine": self._engine,
            "serializer": PortableJson(),
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 0.2,  # asks nothing of the database, but delays the stop
            "max_executor_threads": ENGINE_CONNECTIONS * 2,
            "log_level": self._log_level,
        }
        DBOS(config=config)
        for name, function in self._functions.items():
            self._define_job(name, function)
        schedules = [self._define_schedule(name, cron, fn) for name, (cron, fn) in self._schedules.items()]
        DBOS.launch()
        DBOS.register_queue(
            QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=POLL_S, on_conflict="always_update"
        )
        DBOS.apply_schedules(schedules)
        for stored in DBOS.list_schedules():
            if stored["schedule_name"] not in self._schedules:
                DBOS.delete_schedule(stored["schedule_name"])

    def _define_job(self, name: str, function: Job) -> None:
        async def run(attempt: Any, *ids: Any) -> None:
            await self._on_our_loop(self._attempt(name, function, str(DBOS.workflow_id), attempt, ids))

        DBOS.workflow(name=name)(run)

    def _define_schedule(self, name: str, cron: str, function: Job) -> ScheduleInput:
        async def run(_at: Any, _context: Any) -> None:
            if name not in self._running:
                await self._on_our_loop(self._tick(name, function))

        workflow = DBOS.workflow(name=name)(run)
        return {
            "schedule_name": name,
            "workflow_fn": workflow,
            "schedule": cron,
            "context": None,
            "cron_timezone": ZONE,
            "queue_name": QUEUE,
        }

    async def _on_our_loop(self, work: Coroutine[Any, Any, None]) -> None:
        """The jobs share the server's event loop, with an empty context: the engine's would make them its steps."""
        if self._loop is None or self._loop.is_closed():
            work.close()
            raise asyncio.CancelledError  # the job stays with this executor and is found again after it
        future = contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, self._loop)
        await asyncio.wrap_future(future)

    async def _attempt(self, name: str, function: Job, job_id: str, attempt: int, ids: tuple[str, ...]) -> None:
        self._running.add(job_id)
        try:
            with structlog.contextvars.bound_contextvars(job=name, job_id=job_id):
                await function(*ids)
        except Exception as error:
            log.exception("job_failed", job=name, job_id=job_id, attempt=attempt)
            if attempt >= len(RETRY_DELAYS_S):
                raise JobFailed(type(error).__name__) from None
            again: EnqueueOptions = {
                "workflow_name": name,
                "queue_name": QUEUE,
                "workflow_id": f"{job_id.partition('~')[0]}~{attempt + 1}",
                "delay_seconds": RETRY_DELAYS_S[attempt],
            }
            await self._client.enqueue_async(again, attempt + 1, *ids)
        finally:
            self._running.discard(job_id)

    async def _tick(self, name: str, function: Job) -> None:
        self._running.add(name)
        try:
            with structlog.contextvars.bound_contextvars(job=name):
                await function()
        except Exception as error:
            log.exception("schedule_failed", job=name)
            raise JobFailed(type(error).__name__) from None
        finally:
            self._running.discard(name)

    async def _keep_beating(self) -> None:
        while True:
            try:
                await self._beat()
                await self._take_over()
            except Exception:
                log.exception("heartbeat_failed")
            await asyncio.sleep(BEAT_S)

    async def _beat(self) -> None:
        """This process is known to be alive; those silent for LOST_AFTER_MS are not (on SQLite: all others)."""
        now_ms = self._clock.now_ms()
        alone = self._database.is_sqlite
        lost = (
            job_workers.c.executor_id != self.executor_id if alone else job_workers.c.seen_ms < now_ms - LOST_AFTER_MS
        )

        def unit(tx: Tx) -> None:
            tx.execute(delete(job_workers).where(lost))
            row = insert_or(tx, job_workers).values(executor_id=self.executor_id, seen_ms=now_ms)
            tx.execute(row.on_conflict_do_update(index_elements=["executor_id"], set_={"seen_ms": now_ms}))

        await self._database.write(unit)

    async def _take_over(self) -> None:
        """What executors without a heartbeat had begun is queued again, each job by one replica only."""
        begun = await self._client.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        alive = await self._database.read(lambda tx: set(tx.execute(select(job_workers.c.executor_id)).scalars()))
        dead = {job.executor_id for job in begun if job.executor_id} - alive
        if dead:
            log.warning("jobs_taken_over", executors=sorted(dead))
            # The public resume_workflows would also reset a job that another replica has just taken over.
            await asyncio.to_thread(DBOS._recover_pending_workflows, sorted(dead))  # noqa: SLF001

    async def _forget_finished(self) -> None:
        before = datetime.fromtimestamp((self._clock.now_ms() - KEEP_FINISHED_MS) / 1000, UTC).isoformat()
        while True:
            finished = await self._client.list_workflows_async(
                status=FINISHED, completed_before=before, limit=FORGET_BATCH, load_input=False, load_output=False
            )
            if not finished:
                return
            await self._client.delete_workflows_async([job.workflow_id for job in finished])


def install(database: Database) -> None:
    """The engine's own tables are there, in the form this release needs. Part of every migration."""
    _quiet_logger("WARNING")
    engine = _make_engine(database)
    client = _make_client(engine)
    client._sys_db.run_migrations()  # noqa: SLF001 - DBOS.migrate has no way to get our SQLite driver
    client.destroy()
    engine.dispose()


def _make_client(engine: Engine) -> DBOSClient:
    return DBOSClient(system_database_engine=engine, serializer=PortableJson(), application_name=APPLICATION, lazy=True)


def _make_engine(database: Database) -> Engine:
    """A third engine: on SQLite the library wants its own way of beginning transactions."""
    if not database.is_sqlite:
        return create_engine(database.url, pool_size=ENGINE_CONNECTIONS, max_overflow=0, pool_pre_ping=True)
    engine = create_engine(database.url, module=sqlite_module(), pool_size=ENGINE_CONNECTIONS, max_overflow=0)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        # NORMAL: a power cut may forget that a job was done, and it is done again; enqueueing is FULL, as our write.
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _quiet_logger(level: str) -> None:
    """The library's messages go the way of all others instead of to a handler of its own."""
    logger = logging.getLogger("dbos")
    logger.setLevel(level)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
