from __future__ import annotations

from study.ray_backend.worker import Mailbox


def test_the_mailbox_gives_out_once_in_order_and_pack_by_pack() -> None:
    mailbox = Mailbox()
    for job, step in ((1, 10), (2, 5), (1, 20)):
        mailbox.put(job, step, [0.1 * step])
    assert mailbox.take(1) == [(10, [1.0]), (20, [2.0])]
    assert mailbox.take(1) == []
    assert mailbox.take(2) == [(5, [0.5])]
    assert mailbox.take(3) == []
