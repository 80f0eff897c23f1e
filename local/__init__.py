from utils.extras import require_environment

require_environment()
