/* PID 1 of a node, and of the sandbox of each of its pods: collects what others leave behind, ends when asked to. */

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void)
{
	sigset_t all;
	siginfo_t told;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		int number = sigwaitinfo(&all, &told);

		if (number == SIGTERM || number == SIGINT)
			return 0;
		if (number == SIGCHLD || (number < 0 && errno == EINTR))
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
	}
}
