/**
 * How much memory V8 may use for what a worker allocates before it collects it. An entry is kept for the two
 * seconds until the table has it, and a write leaves some 15 KB of short-lived objects on the way. With V8's
 * defaults entries outlive the young generation and fill the old one, which is then collected every three
 * seconds. A larger young generation, and an old one that may grow to three times what was alive, spare about
 * a fifteenth of a worker's processor time for some 60 MB under full load.
 */
export const workerNodeOptions = ['--max-semi-space-size=32', '--heap-growing-percent=200'] as const;
