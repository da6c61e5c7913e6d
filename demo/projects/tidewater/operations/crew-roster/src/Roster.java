import java.time.Duration;
import java.time.LocalDateTime;

/** Nobody starts a shift within eleven hours of the end of the last one. */
public final class Roster {
    private static final Duration REST = Duration.ofHours(11);

    private Roster() {
    }

    public static boolean rested(LocalDateTime lastEnd, LocalDateTime nextStart) {
        return Duration.between(lastEnd, nextStart).compareTo(REST) >= 0;
    }
}
