/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/recorder.pml -- the protocol of docs/recorder.md, for spin: writers that die at any
 * point, a TPM that is reset, strangers who extend, commands that arrive late, a log that is full.
 * tests/model/run checks it whole; and that each MUTANT of it is found to be wrong.
 *
 * A register's value is the sequence of what was extended since its start, as a number to the base
 * BASE: two histories never have the same value, as with a hash. So "V equals what the log
 * replays to" says that the log tells all of the register's present life, in order. */

#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef EVENTS /* of each writer */
#define EVENTS 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef RESETS /* of the TPM, with and without its resetCount */
#define RESETS 1
#endif
#ifndef FOREIGN
#define FOREIGN 1
#endif
#ifndef FAULTS /* the log cannot be written, the TPM answers with an error */
#define FAULTS 1
#endif
#ifndef LATE /* commands of dead writers that the TPM executes later */
#define LATE 1
#endif

/* Mutants: the protocol with one step done wrong. */
#define EXTEND_FIRST 1    /* extend, then log */
#define MARK_FIRST 2      /* mark, then extend */
#define NO_LOCK 3
#define WITHDRAW 4        /* an error of the TPM takes the intent out of the log */
#define NO_SETTLE 5       /* do not look what others left */
#define FORGET_MISSED 6
#define EARLY_ACK 7       /* the caller is told before the mark */
#ifndef MUTANT
#define MUTANT 0
#endif

#define N (WRITERS * EVENTS)
/* digests: 1 to N events of writers, then */
#define AGAIN (N + 1) /* an event that is recorded once more: its number, and so its digest, is new */
#define STRANGE (N + 2)
#define DISCONTINUITY (N + 3)
#define START (N + 4)
#define MISSED (N + 5)
#define BASE (N + 6)
#define H(v, d) ((v) * BASE + (d))
#define TOP (1 << 23) /* so that H(H(TOP, d), d) is a number yet */

/* the TPM */
int pcr;
byte resets;
byte late; /* a digest that is on its way */

/* the log, as a reader replays it ("The protocol", 2) */
int last;           /* L */
byte open;          /* d, 0: none */
bool blank = true;
bool lost;          /* a mark "lost" that nothing followed yet */
byte log_resets;    /* resetCount of the last start or discontinuity */
bool has_start;     /* a recorder-start for it */
byte missed;        /* lines of the file "missed" */

byte holder;        /* of the lock; 0: free */

/* what is left to go wrong */
byte crashes = CRASHES, faults = FAULTS, foreign = FOREIGN, late_ones = LATE, resettings = RESETS;

/* what really happened, which no program sees */
bool disturbed;     /* since the TPM's reset something was extended that no log knows */
bool excused;       /* at any time: a stranger, a late command, a reset */
bool told;          /* a discontinuity for it is in the log, and marked */
byte acknowledged, logged; /* bits, by event */
byte done;          /* writers that have ended */
byte unsaid;        /* events that failed, and are neither logged nor noted */
bool said_missed = true; /* what was noted is said in the log */

#define BIT(e) (1 << (e))

inline extend_pcr(d)
{
    assert(pcr < TOP); /* else the bounds above are too large */
    pcr = H(pcr, d)
}

/* A process may be killed between any two steps; the kernel frees its lock. */
#define MAY_DIE if :: crashes > 0 -> crashes--; goto dead :: true fi

/* Appends a record: written whole, torn (which readers skip: as if it were not there), or failed. */
inline append(d)
{
    if
    :: d_step { open = d; blank = false; ok = true }
    :: faults > 0 -> faults--; ok = false
    fi
}

/* A mark holds the value that the log implies: measure/replay refuses any other ("The table"). */
inline mark(value)
{
    if
    :: d_step {
        assert(MUTANT != 0 || value == H(last, open) || value == H(H(last, open), open));
        logged = (event > 0 && (open == event || open == AGAIN) -> logged | BIT(event) : logged);
        told = told || open == DISCONTINUITY;
        if :: open == MISSED -> missed = 0; said_missed = true :: else fi;
        last = value;
        open = 0;
        ok = true
       }
    :: faults > 0 -> faults--; ok = false
    fi
}

/* The register and the counter are read by two commands: a reset may come between. */
inline see()
{
    seen_resets = resets;
    V = pcr
}

/* One TPM2_PCR_Extend. The TPM may do it and answer with an error, or not do it; a command of a
 * writer that dies may be executed later. sent: what. */
inline extend(d)
{
    if
    :: atomic { extend_pcr(d); ok = true }
    :: faults > 0 -> atomic { faults--; extend_pcr(d); ok = false }
    :: faults > 0 -> faults--; ok = false
    :: late_ones > 0 && crashes > 0 && late == 0 ->
       atomic { late_ones--; crashes--; late = d; goto dead }
    fi
}

/* Steps 5 to 8. result: DONE, MOVED (step 7 found another value), FAILED. */
#define DONE 0
#define MOVED 1
#define FAILED 2

/* Extends the open record, reads back, marks. */
inline complete()
{
    before = seen_resets;
    next = H(last, open);
    extend(open);
    MAY_DIE;
    if
    :: !ok -> result = FAILED;
#if MUTANT == WITHDRAW
       open = 0
#endif
    :: ok ->
       see();
       MAY_DIE;
       if
       :: V == next && seen_resets == before -> mark(next); result = (ok -> DONE : FAILED)
       :: else -> result = MOVED
       fi
    fi;
    MAY_DIE
}

inline commit(d)
{
#if MUTANT == EXTEND_FIRST
    next = H(last, d);
    extend(d);
    MAY_DIE;
    append(d);
    MAY_DIE;
    if :: ok -> mark(next); result = (ok -> DONE : FAILED) :: else -> result = FAILED fi
#elif MUTANT == MARK_FIRST
    append(d);
    MAY_DIE;
    next = H(last, d);
    if :: ok -> mark(next) :: else fi;
    MAY_DIE;
    if :: ok -> extend(d); result = (ok -> DONE : FAILED) :: else -> result = FAILED fi;
    MAY_DIE
#else
    append(d);
    MAY_DIE;
    if :: ok -> complete() :: else -> result = FAILED fi
#endif
}

/* "Both begin a segment": what was found is what the log goes on from. One append: the record
 * itself names the value. */
inline begin_segment(d)
{
    if
    :: d_step {
        last = V; open = d; blank = false; lost = false; ok = true;
        has_start = (d == START || (has_start && log_resets == seen_resets));
        log_resets = seen_resets
       }
    :: faults > 0 -> faults--; ok = false
    fi;
    MAY_DIE;
    if :: ok -> complete() :: else -> result = FAILED fi
}

/* The mark of a record that a dead writer left: found, twice. */
inline settle_mark(value)
{
    mark(value);
    result = (ok -> DONE : FAILED);
    MAY_DIE
}

inline mark_lost()
{
    if
    :: d_step {
        if :: open == START -> has_start = false :: else fi;
        open = 0; lost = true; ok = true
       }
    :: faults > 0 -> faults--; ok = false
    fi;
    result = (ok -> DONE : FAILED);
    MAY_DIE
}

/* "The table". */
inline settle()
{
    fresh = (blank || (log_resets != seen_resets));
    result = DONE;
    if
    :: open == 0 -> skip
    :: open != 0 && !fresh && V == last -> complete() /* recovered */
    :: open != 0 && !fresh && V == H(last, open) -> settle_mark(V)
    :: open != 0 && !fresh && V == H(H(last, open), open) -> settle_mark(V)
    :: else -> mark_lost()
    fi;
    if
    :: result != DONE -> skip
    :: result == DONE && ((fresh && V != 0) || (!fresh && (lost || V != last))) ->
       begin_segment(DISCONTINUITY)
    :: else -> skip
    fi;
    if
    :: result == DONE && (blank || !has_start || log_resets != seen_resets) -> begin_segment(START)
    :: else -> skip
    fi;
    if
    :: result == DONE && missed > 0 -> commit(MISSED)
    :: else -> skip
    fi
}

inline lock()
{
#if MUTANT != NO_LOCK
    atomic { holder == 0 -> holder = _pid + 1 }
#endif
    skip
}

inline unlock()
{
    if :: holder == _pid + 1 -> holder = 0 :: else fi
}

/* Records event: settle, then commit, again in a new segment while the register moves. */
inline record()
{
    tries = 0;
    again = event;
    lock();
    MAY_DIE;
    see();
    MAY_DIE;
    do
    :: tries < 3 ->
       tries++;
#if MUTANT == NO_SETTLE
       result = DONE;
#else
       settle();
#endif
       if
       :: result == DONE && event > 0 ->
          intended = true;
          commit(again);
          again = AGAIN;
          if :: result == FAILED && open == 0 -> intended = false :: else fi
       :: else
       fi;
       if :: result == MOVED :: else -> break fi
    :: else -> result = FAILED; break
    od
}

proctype writer(byte first)
{
    int V, next;
    byte event, again, result, tries, seen_resets, before, count;
    bool ok, fresh, intended;
    event = first;
    do
    :: count < EVENTS ->
       intended = false;
       record();
#if MUTANT == EARLY_ACK
       acknowledged = (result != FAILED || intended -> acknowledged | BIT(event) : acknowledged);
#endif
       if
       :: result == DONE -> acknowledged = acknowledged | BIT(event)
       :: result != DONE && !intended ->
          d_step {
#if MUTANT != FORGET_MISSED
              missed++;
#endif
              said_missed = false;
              unsaid = unsaid | BIT(event)
          }
       :: else
       fi;
       if :: false -> dead: skip :: true fi;
       d_step {
           unlock();
           /* what a dead one knew is gone; the next event is another helper's */
           V = 0; next = 0; again = 0; result = 0; tries = 0; seen_resets = 0; before = 0;
           ok = false; fresh = false; intended = false;
           count++; event++
       }
    :: else -> break
    od;
    done++
}

/* Everybody who is not the recorder. Each may also never happen. */
proctype world()
{
    do
    :: atomic { foreign > 0 && done < WRITERS ->
                foreign--; extend_pcr(STRANGE); disturbed = true; excused = true; told = false }
    :: atomic { late > 0 -> extend_pcr(late); late = 0; excused = true }
    :: atomic { resettings > 0 && done < WRITERS -> /* TPM Reset */
                resettings--; resets++; pcr = 0; late = 0; disturbed = false; excused = true }
    :: atomic { resettings > 0 && done < WRITERS -> /* TPM Restart: the counter stays */
                resettings--; disturbed = (last != 0 && log_resets == resets); pcr = 0; late = 0; excused = true;
                told = false }
    :: atomic { done == WRITERS && late == 0 -> break }
    od;
    done++
}

/* Afterwards nobody interferes and nothing fails: one more recording must leave all in order. */
proctype last_writer()
{
    int V, next;
    byte event, again, result, tries, seen_resets, before;
    bool ok, fresh, intended;
    done == WRITERS + 1;
    d_step { crashes = 0; faults = 0; late_ones = 0 };
    record();
    if :: false -> dead: skip :: true fi;
    unlock();
    assert(result == DONE);
    assert(open == 0 && !lost && missed == 0);
    /* the log replays to the register */
    assert(pcr == last);
    /* a stranger's extend, or a vanished value, is told */
    assert(!disturbed || told);
    /* and deaths, faults, and other writers alone never look like one */
    assert(excused || !told);
    /* acknowledged implies in the log, marked as extended */
    assert((acknowledged & ~logged) == 0);
    /* what could not even be logged is said to be missing */
    assert(unsaid == 0 || said_missed)
}

init
{
    atomic {
        byte n = 0;
        do
        :: n < WRITERS -> run writer(1 + n * EVENTS); n++
        :: else -> break
        od;
        run world();
        run last_writer()
    }
}
