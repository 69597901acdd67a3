-- Boards of what is rare: without these a filter that few rows pass reads the whole register in the
-- order of deadlines to find them. Open cases only: of closed ones nobody keeps a board.

create index ticket_row_severity on ticket_row (severity, rank_at, id) where opened_at is not null and open;
create index ticket_row_holder on ticket_row (holder, rank_at, id) where opened_at is not null and open;
