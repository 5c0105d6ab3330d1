"""One kernel for one run: started early, in the parent's own Python, and never used twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import workbench
from workbench.errors import ReportError

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import AsyncKernelManager

RUN_FOLDER: Final = "WORKBENCH_RUN_FOLDER"
"""Environment variable that tells a notebook where it may leave figures.json."""

_START_SECONDS: Final = 60.0


class Kernel:
    """A kernel in its own process. Entering starts it without waiting; ``ready()`` waits; leaving kills it.

    It runs ``sys.executable``, whatever kernels Jupyter has installed, imports the same ``workbench`` as this process,
    and reads nobody's IPython or Jupyter configuration. ``manager`` and ``client`` are what nbclient expects.
    """

    manager: AsyncKernelManager
    client: AsyncKernelClient

    def __init__(self, run_id: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._scratch = scratch_folder(run_id)
        self._folder = folder
        self._environment = environment

    def __enter__(self) -> Kernel:
        from jupyter_client.manager import AsyncKernelManager
        from jupyter_core.utils import run_sync

        self._scratch.mkdir(mode=0o700)
        try:
            self.manager = AsyncKernelManager(
                kernel_name="workbench",
                kernel_spec_manager=_own_kernel(),
                connection_file=str(self._scratch / "kernel.json"),
                # Sockets in a private folder: no port that two runs could both pick, none that others could reach.
                transport="ipc",
            )
            run_sync(self.manager.start_kernel)(cwd=str(self._folder), env=self._variables())
            self.client = self.manager.client()
            self.client.start_channels(stdin=False)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from jupyter_core.utils import ensure_event_loop, run_sync

        if hasattr(self, "client"):
            self.client.stop_channels()
        if hasattr(self, "manager"):
            run_sync(self.manager.shutdown_kernel)(now=True)
        loop = ensure_event_loop()
        if not loop.is_running():  # the one that run_sync made for this thread; it makes another when it needs one
            loop.close()
            asyncio.set_event_loop(None)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def ready(self) -> None:
        """Wait until the kernel answers.

        nbclient's own wait ends with a fixed pause; here the kernel's answer on both channels ends it.

        Raises:
            ReportError: it died, or did not answer within a minute.
        """
        from jupyter_core.utils import run_sync

        run_sync(self._ready)()

    async def _ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            self.client.kernel_info()
            if await self._answered():
                return
            if not await self.manager.is_alive():
                raise ReportError("The notebook's kernel died while it started.", "Try: python -m ipykernel --version.")
        raise ReportError(
            f"The notebook's kernel did not start within {_START_SECONDS:.0f} seconds.",
            "Try again when the machine is less busy.",
        )

    async def _answered(self) -> bool:
        try:
            await self.client.get_shell_msg(timeout=1)
            await self.client.get_iopub_msg(timeout=0.2)
        except (TimeoutError, Empty):
            return False
        return True

    def _variables(self) -> dict[str, str]:
        variables = {**os.environ, **self._environment}
        variables[RUN_FOLDER] = str(self._folder)
        variables["PLOTLY_RENDERER"] = "plotly_mimetype"  # figures as JSON: the export draws them
        variables["IPYTHONDIR"] = str(self._scratch / "ipython")
        variables["PYTHONPATH"] = _python_path(variables.get("PYTHONPATH", ""))
        return variables


def scratch_folder(run_id: str) -> Path:
    """Where a run's kernel keeps its sockets, whose whole path must stay below some hundred characters."""
    return Path(tempfile.gettempdir()) / f"workbench-{run_id[-8:]}"


def _own_kernel() -> Any:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class OwnKernel(KernelSpecManager):
        """Knows one kernel: this interpreter."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [sys.executable, "-P", "-m", "workbench.reporting.launch", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, name=kernel_name, display_name=kernel_name, language="python")

    return OwnKernel()


def _python_path(inherited: str) -> str:
    """The inherited path, made absolute, led by the folder of ``workbench`` if that is not installed.

    An installed package is found anyway, and site-packages in front of the standard library could shadow it.
    """
    entries = [str(Path(entry).absolute()) for entry in inherited.split(os.pathsep) if entry]
    own = Path(workbench.__file__).resolve().parent.parent
    if own not in {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}:
        entries = [str(own), *(entry for entry in entries if entry != str(own))]
    return os.pathsep.join(entries)
