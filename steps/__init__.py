"""What knows speech and models. Without the project's packages no command starts."""

from utils.extras import require_environment

require_environment()
