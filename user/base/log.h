/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own messages, to stderr; used by main and pipeline only (libraries return errors).
 */
#ifndef REDSHANK_BASE_LOG_H
#define REDSHANK_BASE_LOG_H

enum log_level { LOG_LEVEL_error, LOG_LEVEL_warning, LOG_LEVEL_info, LOG_LEVEL_debug };

void log_set_level(enum log_level max);

/* One line; control characters are replaced, so hostile text can't forge lines or drive terminals.
 */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_error, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_warning, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_info, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_debug, __VA_ARGS__)

#endif
