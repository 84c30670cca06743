/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict_words.c -- what each claim means, for who reads one for the first time. */
#include <string.h>

#include "tools/cmcctl_verdict.h"

static const struct {
    const char *id, *words;
} meanings[] = {
    {"log", "The list of events is complete, in order and unchanged from the start of the TPM "
            "until the quote. It says nothing yet about whether the events are welcome."},
    {"log.prefix", "Each event was extended into the register, one after the other. Replaying the "
                   "list gives the quoted value, so none can be missing, added, moved or changed. "
                   "What was recorded after the quote is left out."},
    {"log.begin",
     "What the register held before the list, where that is not nothing. The firmware's own log "
     "says "
     "it, but anybody could have written that: signed references have to say the same."},
    {"log.start", "The list begins with what the recorder wrote when this TPM was last reset. A "
                  "list of an earlier boot would name an earlier reset."},
    {"log.register",
     "The quote must cover the register that the list is about, in each bank, and the registers of "
     "the boot chain. One that can be reset at run time vouches for nothing."},
    {"log.recorded", "A register that still has its start value says that nothing was recorded in "
                     "this boot, which is no proof that nothing ran."},
    {"log.discontinuity", "The recorder once found a value in the register that its list does not "
                          "explain: somebody else changed it, or events were lost."},
    {"log.boot-log", "The firmware keeps a list of its own. Where it gives the quoted values it "
                     "can say what the host booted."},
    {"log.replay", "Profile cmc: the events of a register, replayed, must give the quoted value."},
    {"log.artifacts",
     "Profile cmc: the report must explain each register that the quote covers, once."},
    {"key", "The key that signs quotes. All that follows rests on it being inside a TPM, and on "
            "the root that says so."},
    {"key.chain", "The certificate of the key leads to one of the roots that were given, with the "
                  "usage for attestation keys, within its time, not revoked."},
    {"key.kind", "What holds the key. A software TPM, or a key in a file, can be copied by whoever "
                 "has the host's root."},
    {"key.host", "The certificate says which host has the key. A report of another host is no "
                 "answer to a question about this one, however genuine."},
    {"key.pinned",
     "The key is compared with the one that was asked for, whatever certificates say."},
    {"quote", "What the TPM signed: the values of registers, and the nonce."},
    {"quote.signature", "The signature was made by the key over exactly these bytes."},
    {"quote.magic", "A TPM puts these bytes in front of what it makes itself, and refuses to sign "
                    "them for others."},
    {"quote.type", "A TPM signs other structures, too. Only a quote says what registers hold."},
    {"quote.nonce", "The nonce was new, and is inside what was signed: the quote was made for this "
                    "question, not recorded earlier."},
    {"quote.clock",
     "How often the TPM was reset, as it says itself. It ties the quote to one boot."},
    {"quote.selection", "Which registers the quote covers. The report must give a value for each "
                        "of them, and for no others."},
    {"quote.values", "The digest of the values is what the TPM signed."},
    {"quote.banks", "Banks of other hash algorithms, and of SHA-1 alone, are not relied on."},
    {"quote.algorithm",
     "The signature's algorithm must be one that is considered strong, and fit the key."},
    {"metadata", "What is expected of the host: manifests that somebody signed, and a description "
                 "that says which of them belong to it."},
    {"metadata.signature", "Who signed, and the root that vouches for the signer. Roots for "
                           "metadata and for attestation keys need not be the same."},
    {"metadata.validity", "Signed statements have a time: they count within it only."},
    {"metadata.level",
     "How much the signers claim of the host. More than 1 needs evidence of hardware."},
    {"containers", "Each container that was started since the TPM's reset is compared with signed "
                   "references. References allow: what none of them allows is not allowed."},
    {"container", "One container, and the reference that it is compared with: the one that is "
                  "equal, else the nearest."},
    {"container.event",
     "The event that was recorded when the container was created; its bytes are in the register."},
    {"container.config", "The digest of the configuration that runc executed: command, "
                         "environment, mounts, capabilities and all else."},
    {"container.rootfs",
     "The digest over all files of the root file system: names, owners, modes and contents."},
    {"container.rules", "The configuration is not equal to the reference. The signed rules say in "
                        "which members it may differ, and how."},
    {"container.detail", "The configuration itself, as the host gives it. It is shown only after "
                         "its digest was computed anew and found in the event."},
    {"container.key",
     "Values of variables are measured under the site's redaction key. Digests under different "
     "keys cannot be compared, which is no evidence against anything."},
    {"container.reference", "There is nothing to compare the container with."},
    {"container.none", "There is no container to compare."},
    {"reference",
     "A reference that demands to run, rather than allowing it, must be among the containers."},
    {"host", "Whether to believe the host's root: firmware, boot loader and kernel by the "
             "registers 0 to 7 and more, and the programs that measured. Without this, a dishonest "
             "root could have run something that was never measured."},
    {"host.pcr", "The value of a register of the boot chain, compared with signed references."},
    {"host.program", "A program that measured, recorded, or was handed a container, compared with "
                     "signed references."},
    {"report", "The report must be readable before anything in it can be judged."},
};

/* The words of an id, or of the nearest one above it: those of "quote" for "quote.magic". */
const char *cmcctl_verdict_meaning(const char *id)
{
    for (size_t len = strlen(id); len;) {
        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
            if (strlen(meanings[i].id) == len && memcmp(meanings[i].id, id, len) == 0)
                return meanings[i].words;
        const char *dot = memrchr(id, '.', len);
        len = dot ? (size_t)(dot - id) : 0;
    }
    return NULL;
}
