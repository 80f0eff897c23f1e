"""SLURM's states and reasons: which states are final, which reasons are permanent, and what a user can do."""

import re

ACTIVE = {
    *("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD"),
    *("RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "RESV_DEL_HOLD", "SPECIAL_EXIT", "RESTARTING", "UPDATE_DB"),
}
WAITING = {"PENDING", "SUSPENDED", "STOPPED"}
HELD_STATES = {"REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
LOST = "LOST"  # ours: no longer in the queue, unknown to the accounting, no footer in the log
PLAIN = {"COMPLETED", "FAILED"}  # the job has ended by itself: its status says all
# Held by SLURM after a failed launch or too many requeues: it never comes back by itself.
HELD = re.compile("launch failed requeued held|held state|requeue.*held", re.I)
# Reasons that last until somebody changes the job or the cluster.
HOPELESS = re.compile(
    "PartitionConfig|PartitionNodeLimit|PartitionTimeLimit|BadConstraints|DependencyNeverSatisfied|InvalidAccount|InvalidQOS"
    "|AccountNotAllowed|QOSNotAllowed|JobHeldUser|JobHeldAdmin|ReservationDeleted|PerJob|PerNode|MinCpuNotSatisfied"
)
BY_SIGKILL = 137
KILLED = "it was killed by signal 9: by somebody, or because it needed more than its --mem"

WHAT_TO_DO = {
    "TIMEOUT": "ask for more --time, or make the job save its state on USR1 and end with status 85",
    "DEADLINE": "its deadline has passed: submit earlier, or ask for less --time",
    "OUT_OF_MEMORY": "ask for more --mem, in cmd.sh or after the launcher's name",
    "CANCELLED": "somebody has cancelled it; run again with --pick failed",
    "PREEMPTED": "another job took its node: run again with --pick failed, or in a partition that requeues",
    "NODE_FAIL": "its node has failed: run again with --pick failed; -x <node> keeps away from it",
    "BOOT_FAIL": "its node did not start: run again with --pick failed; -x <node> keeps away from it",
    LOST: "SLURM no longer knows it; check that none of its processes run, then run again with --pick incomplete",
    "COMPLETED": "it ended without a footer in its log: does its node see the log's directory? (utils/check_nodes.sh)",
    "FAILED": "it ended without a footer in its log: was it killed, or does its node not see the log's directory? "
    "(utils/check_nodes.sh)",
}


def what_to_do(state: str) -> str:
    """Advice for a job that ended in this state without having ended by itself."""
    return WHAT_TO_DO.get(state, "see the log; run again with --pick failed")


def what_to_change(reason: str) -> str:
    """Advice for a job that cannot start for this reason."""
    if HELD.search(reason) or not HOPELESS.search(reason):
        return "SLURM holds it after a failed start: read slurmd's log, then run again with --pick incomplete"
    if "JobHeld" in reason:
        return "it is held: release it with scontrol release, or ask the administrators of the cluster"
    return "no node can give what it asks for: ask for less, or for another partition, in cmd.sh or conf/slurm.conf"
