"""kaldiio: script files, and archives read from their beginning."""

import kaldiio
from probing import Probe

probe = Probe()
for name, path, expected in probe.scripts():
    probe.count(f"{name}: load_scp", expected, lambda path=path: kaldiio.load_scp(path).items())
for name, path, expected in probe.scripts():
    if name in ("samples", "embeddings"):
        archive = path.replace(".scp", ".ark")
        probe.count(f"{name}: load_ark", expected, lambda archive=archive: kaldiio.load_ark(archive))
