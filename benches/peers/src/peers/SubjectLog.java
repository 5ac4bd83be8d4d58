package peers;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * One subject's entries in order of time, and six exact sliding windows over them.
 *
 * <p>A window is a cursor to its oldest entry with a running sum and number of distinct counterparties. An entry
 * whose counterparty came again is marked superseded; a window's distinct counterparties are its entries that are
 * not. All windows share one monotone deque for their maxima. Everything is O(1) amortised.
 *
 * <p>Without a {@link Spill} all entries are held here (state on the heap). With one, only the newest stay beside
 * the windows and full chunks go out, so that a store reads and writes little of a long log; a short log, as most
 * are, is one value.
 */
public final class SubjectLog {
    public static final int WINDOWS = 6;
    public static final int CHUNK = 32;
    private static final int ENTRY_BYTES = 24;
    private static final long SUPERSEDED = Long.MIN_VALUE;
    private static final long NEVER = Long.MAX_VALUE;
    /** Up to here a newest place is found faster by looking than by a table. */
    private static final int SCANNED_MAX = 16;

    /** Places count from 0 over all entries that ever were. */
    private int head;
    /** Place of the first entry held here; older ones that still count are in chunks. */
    private int tailFirst;
    private long[] tail = new long[3 * 2];
    private final int[] cursor = new int[WINDOWS];
    private final long[] sum = new long[WINDOWS];
    private final int[] distinct = new int[WINDOWS];
    /** Time of the entry at the cursor: what leaves next. */
    private final long[] edgeAt = new long[WINDOWS];
    private int[] maxPlace = new int[2];
    private long[] maxAmount = new long[2];
    private int maxFirst;
    private int maxEnd;
    private LongIntTable lasts;

    /** The chunk read last, kept through one event. */
    private int heldNumber = -1;
    private byte[] held;
    private boolean heldDirty;

    public SubjectLog() {
        Arrays.fill(edgeAt, NEVER);
    }

    public long count(int window) {
        return head - cursor[window];
    }

    public long sum(int window) {
        return sum[window];
    }

    public long distinct(int window) {
        return distinct[window];
    }

    public long max(int window) {
        for (int i = maxFirst; i < maxEnd; i++) {
            if (maxPlace[i] >= cursor[window]) {
                return maxAmount[i];
            }
        }
        return 0;
    }

    /**
     * Adds an entry, after what it pushes out of the windows.
     *
     * @param oneOther all entries of this log have the same counterparty
     */
    public void add(long at, long amount, long other, long[] spans, boolean oneOther, Spill spill) {
        expire(at, spans, oneOther, spill);
        int previous = oneOther ? head - 1 : last(other, spill);
        if (previous >= 0 && previous >= cursor[longest(spans)]) {
            supersede(previous, spill);
        } else {
            previous = -1;
        }
        int place = head++;
        append(place, at, amount, other, oneOther, spill);
        for (int w = 0; w < WINDOWS; w++) {
            sum[w] += amount;
            if (previous < cursor[w]) {
                distinct[w]++;
            }
            if (cursor[w] == place) {
                edgeAt[w] = at;
            }
        }
        pushMax(place, amount, cursor[longest(spans)]);
        release(spill);
    }

    private static int longest(long[] spans) {
        int longest = 0;
        for (int w = 1; w < WINDOWS; w++) {
            if (spans[w] > spans[longest]) {
                longest = w;
            }
        }
        return longest;
    }

    private void expire(long at, long[] spans, boolean oneOther, Spill spill) {
        int longest = longest(spans);
        for (int w = 0; w < WINDOWS; w++) {
            long begin = at - spans[w];
            while (edgeAt[w] <= begin) {
                int place = cursor[w]++;
                long marked = field(place, 1, spill);
                sum[w] -= marked & ~SUPERSEDED;
                if (marked >= 0) {
                    distinct[w]--;
                    if (w == longest && !oneOther) {
                        forget(field(place, 2, spill), place, spill);
                    }
                }
                edgeAt[w] = cursor[w] < head ? field(cursor[w], 0, spill) : NEVER;
            }
        }
        int oldest = cursor[longest];
        if (spill == null) {
            dropFromTail(oldest);
        } else if (oldest < head) {
            // Whole chunks that no window reaches any more.
            for (int number = chunkFirst; number < Math.min(oldest, tailFirst) / CHUNK; number++) {
                hold(-1, spill);
                spill.removeChunk(number);
                chunkFirst = number + 1;
            }
        }
    }

    /** Number of the oldest chunk that was not removed. */
    private int chunkFirst;

    private void append(int place, long at, long amount, long other, boolean oneOther, Spill spill) {
        int held = place - tailFirst;
        if (spill != null && held >= 2 * CHUNK) {
            spillOne(oneOther, spill);
            held = place - tailFirst;
        }
        if (3 * (held + 1) > tail.length) {
            tail = Arrays.copyOf(tail, Math.max(3 * (held + 1), tail.length + 3 * (held / 2 + 1)));
        }
        tail[3 * held] = at;
        tail[3 * held + 1] = amount;
        tail[3 * held + 2] = other;
        if (spill == null && !oneOther) {
            if (lasts != null) {
                lasts.put(other, place);
            } else if (held >= SCANNED_MAX) {
                lasts = new LongIntTable();
                for (int i = 0; i <= held; i++) {
                    lasts.put(tail[3 * i + 2], tailFirst + i);
                }
            }
        }
    }

    /** The older half of what is held here becomes a chunk. */
    private void spillOne(boolean oneOther, Spill spill) {
        byte[] bytes = new byte[CHUNK * ENTRY_BYTES];
        ByteBuffer.wrap(bytes).asLongBuffer().put(tail, 0, 3 * CHUNK);
        hold(-1, spill);
        spill.putChunk(tailFirst / CHUNK, bytes);
        if (!oneOther) {
            int oldest = Arrays.stream(cursor).min().orElse(0);
            for (int i = Math.max(0, oldest - tailFirst); i < CHUNK; i++) {
                if (tail[3 * i + 1] >= 0) {
                    spill.putLast(tail[3 * i + 2], tailFirst + i);
                }
            }
        }
        int kept = head - 1 - tailFirst - CHUNK;
        System.arraycopy(tail, 3 * CHUNK, tail, 0, 3 * kept);
        tailFirst += CHUNK;
    }

    private int last(long other, Spill spill) {
        if (spill == null && lasts != null) {
            return lasts.get(other);
        }
        for (int i = head - tailFirst - 1; i >= 0; i--) {
            if (tail[3 * i + 2] == other) {
                return tailFirst + i;
            }
        }
        return spill != null && tailFirst > 0 ? spill.last(other) : -1;
    }

    private void forget(long other, int place, Spill spill) {
        if (spill == null) {
            if (lasts != null) {
                lasts.remove(other, place);
            }
        } else if (place < tailFirst) {
            spill.removeLast(other);
        }
    }

    private long field(int place, int field, Spill spill) {
        if (place >= tailFirst) {
            return tail[3 * (place - tailFirst) + field];
        }
        hold(place / CHUNK, spill);
        return ByteBuffer.wrap(held).getLong((place % CHUNK) * ENTRY_BYTES + 8 * field);
    }

    private void supersede(int place, Spill spill) {
        if (place >= tailFirst) {
            tail[3 * (place - tailFirst) + 1] |= SUPERSEDED;
            return;
        }
        hold(place / CHUNK, spill);
        int offset = (place % CHUNK) * ENTRY_BYTES + 8;
        ByteBuffer chunk = ByteBuffer.wrap(held);
        chunk.putLong(offset, chunk.getLong(offset) | SUPERSEDED);
        heldDirty = true;
    }

    private void hold(int number, Spill spill) {
        if (heldNumber == number) {
            return;
        }
        release(spill);
        if (number >= 0) {
            held = spill.chunk(number);
            heldNumber = number;
        }
    }

    private void release(Spill spill) {
        if (heldDirty) {
            spill.putChunk(heldNumber, held);
        }
        heldDirty = false;
        heldNumber = -1;
        held = null;
    }

    private void dropFromTail(int oldest) {
        int dead = oldest - tailFirst;
        if (dead > 64 && dead > (head - tailFirst) / 2) {
            System.arraycopy(tail, 3 * dead, tail, 0, 3 * (head - oldest));
            tailFirst = oldest;
        }
    }

    private void pushMax(int place, long amount, int oldest) {
        while (maxEnd > maxFirst && maxAmount[maxEnd - 1] <= amount) {
            maxEnd--;
        }
        while (maxFirst < maxEnd && maxPlace[maxFirst] < oldest) {
            maxFirst++;
        }
        if (maxFirst == maxEnd) {
            maxFirst = 0;
            maxEnd = 0;
        } else if (maxEnd == maxPlace.length && maxFirst > 0) {
            System.arraycopy(maxPlace, maxFirst, maxPlace, 0, maxEnd - maxFirst);
            System.arraycopy(maxAmount, maxFirst, maxAmount, 0, maxEnd - maxFirst);
            maxEnd -= maxFirst;
            maxFirst = 0;
        }
        if (maxEnd == maxPlace.length) {
            maxPlace = Arrays.copyOf(maxPlace, 2 * maxEnd);
            maxAmount = Arrays.copyOf(maxAmount, 2 * maxEnd);
        }
        maxPlace[maxEnd] = place;
        maxAmount[maxEnd] = amount;
        maxEnd++;
    }

    /** Bytes of {@link #write}. */
    public int bytes() {
        return 16 + WINDOWS * 24 + (maxEnd - maxFirst) * 12 + (head - tailFirst) * ENTRY_BYTES;
    }

    public void write(ByteBuffer out) {
        out.putInt(head).putInt(tailFirst).putInt(chunkFirst).putInt(maxEnd - maxFirst);
        for (int w = 0; w < WINDOWS; w++) {
            out.putInt(cursor[w]).putLong(sum[w]).putInt(distinct[w]).putLong(edgeAt[w]);
        }
        for (int i = maxFirst; i < maxEnd; i++) {
            out.putInt(maxPlace[i]).putLong(maxAmount[i]);
        }
        for (int i = 0; i < 3 * (head - tailFirst); i++) {
            out.putLong(tail[i]);
        }
    }

    /** Reads into this object, which may have held another log. */
    public void read(ByteBuffer in, boolean oneOther, boolean spills) {
        head = in.getInt();
        tailFirst = in.getInt();
        chunkFirst = in.getInt();
        maxFirst = 0;
        maxEnd = in.getInt();
        for (int w = 0; w < WINDOWS; w++) {
            cursor[w] = in.getInt();
            sum[w] = in.getLong();
            distinct[w] = in.getInt();
            edgeAt[w] = in.getLong();
        }
        if (maxPlace.length < maxEnd) {
            maxPlace = new int[maxEnd];
            maxAmount = new long[maxEnd];
        }
        for (int i = 0; i < maxEnd; i++) {
            maxPlace[i] = in.getInt();
            maxAmount[i] = in.getLong();
        }
        int held = head - tailFirst;
        if (tail.length < 3 * held) {
            tail = new long[3 * held];
        }
        for (int i = 0; i < 3 * held; i++) {
            tail[i] = in.getLong();
        }
        lasts = null;
        if (!spills && !oneOther && held > SCANNED_MAX) {
            lasts = new LongIntTable();
            for (int i = 0; i < held; i++) {
                lasts.put(tail[3 * i + 2], tailFirst + i);
            }
        }
    }

    /** Makes this object a log without entries. */
    public void clear() {
        head = 0;
        tailFirst = 0;
        chunkFirst = 0;
        maxFirst = 0;
        maxEnd = 0;
        lasts = null;
        Arrays.fill(cursor, 0);
        Arrays.fill(sum, 0);
        Arrays.fill(distinct, 0);
        Arrays.fill(edgeAt, NEVER);
    }

    public SubjectLog copy(boolean oneOther) {
        SubjectLog copy = new SubjectLog();
        ByteBuffer bytes = ByteBuffer.allocate(bytes());
        write(bytes);
        copy.read(bytes.flip(), oneOther, false);
        return copy;
    }
}
