#ifndef VIREO_CSYSTEMD_SHIM_H
#define VIREO_CSYSTEMD_SHIM_H

#include <sys/select.h>
#include <systemd/sd-daemon.h>

#endif
