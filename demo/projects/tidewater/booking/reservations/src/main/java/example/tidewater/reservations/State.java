package example.tidewater.reservations;

import java.util.Map;
import java.util.Set;

/** The states of a booking, and which may follow which. */
public enum State {
    HELD, PAID, TRAVELLED, CANCELLED;

    private static final Map<State, Set<State>> NEXT = Map.of(
            HELD, Set.of(PAID, CANCELLED),
            PAID, Set.of(TRAVELLED, CANCELLED),
            TRAVELLED, Set.of(),
            CANCELLED, Set.of());

    public boolean mayBecome(State other) {
        return NEXT.get(this).contains(other);
    }
}
