package peers;

/** Where a long log keeps what does not fit beside its windows: full chunks, and each counterparty's newest place. */
public interface Spill {
    byte[] chunk(int number);

    void putChunk(int number, byte[] entries);

    void removeChunk(int number);

    /** Place of the newest entry of {@code other}, or -1. */
    int last(long other);

    void putLast(long other, int place);

    void removeLast(long other);
}
