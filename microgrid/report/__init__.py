"""What a run leaves behind: a folder of exact CSV files, and a self-contained HTML report drawn from that folder."""

from microgrid.report.folder import check_target, write_run_folder
from microgrid.report.html import rebuild_report
from microgrid.report.reasons import worse_off_reason

__all__ = ["check_target", "rebuild_report", "worse_off_reason", "write_run_folder"]
