/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl.h -- the commands of cmcctl. */
#ifndef TOOLS_CMCCTL_H
#define TOOLS_CMCCTL_H

enum cmcctl_exit {
    CMCCTL_AGREE = 0,    /* what was checked agrees */
    CMCCTL_DISAGREE = 1, /* something was checked and is wrong */
    CMCCTL_USAGE = 2,
    CMCCTL_UNCHECKED = 3 /* no verdict: something could not be read */
};

/* Each takes main()'s arguments from its own name on and returns an exit status. */
int cmcctl_log(int argc, char **argv);
int cmcctl_verify(int argc, char **argv); /* "verify" and "explain" */
int cmcctl_generate(int argc, char **argv);
int cmcctl_reference(int argc, char **argv);
int cmcctl_measure(int argc, char **argv);
#endif
