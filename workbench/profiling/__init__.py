"""What a piece of work asked the stores, how long that took, and what looks wrong about it."""

from workbench.profiling.flags import Flag
from workbench.profiling.profile import Profile
from workbench.profiling.view import profile_html

__all__ = ["Flag", "Profile", "profile_html"]
