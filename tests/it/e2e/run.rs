//! `record run`: the client as a command.

use super::*;

/// The same variables and files as in a shell, and the client behind `--`.
fn run(arguments: &[&str], command: &Command) -> Command {
    let mut run = authtrail();
    run.args(["record", "run", "--authority", "authority"]).args(arguments).arg("--");
    run.arg(command.get_program()).args(command.get_args());
    run
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_client_that_is_run_is_recorded_and_diagnosed() {
    if !players::are_here() {
        return;
    }
    for case in &CASES[..2] {
        let folder = tempfile::tempdir().unwrap();
        let servers = Servers::start(case.server, None);
        let script = players::folder().join("client.mjs");
        let mut node = Command::new("node");
        node.arg(script).args([&servers.mcp, case.client]);
        let output = run(&["-o", "login.har", "--watch"], &node).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(i32::from(case.cause.is_some())), "{said}");
        case.judge(folder.path(), "login.har");
        // What is watched comes before the verdict, which says it again.
        let (headline, times) = match case.cause {
            None => ("AUTHORIZED: the MCP server accepted the token", 1),
            Some(_) => ("LOST at token-attachment: the client holds a token", 2),
        };
        assert_eq!(said.matches(headline).count(), times, "{said}");
        assert_eq!(said.matches("  callback").count(), 2, "{said}");
        // Standard output is the command's alone.
        let answer = if case.cause.is_none() { "one\n" } else { "" };
        assert_eq!(String::from_utf8_lossy(&output.stdout), answer);
        // No TLS was spoken: no empty key log is left.
        assert!(!folder.path().join("login.keys").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_is_run_ends_as_it_would_alone() {
    use std::os::unix::process::ExitStatusExt;
    let folder = tempfile::tempdir().unwrap();
    let check = |script: &str, code: Option<i32>, signal: Option<i32>| {
        let output = run(&["-o", "none.har"], &shell(script)).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.status.signal()), (code, signal), "{script}: {said}");
        std::fs::remove_file(folder.path().join("none.har")).unwrap();
    };
    check("exit 0", Some(0), None);
    check("exit 77", Some(77), None);
    check("kill -KILL $$", None, Some(9));
    check("kill -TERM $$", None, Some(15));
    // What is sent to the recorder reaches the command, and the command decides.
    check("trap 'exit 5' TERM; kill -TERM $PPID; while :; do sleep 0.05; done", Some(5), None);
    check("test -n \"$HTTPS_PROXY\" && test -z \"${NO_PROXY+x}\" && grep -q BEGIN \"$SSL_CERT_FILE\"", Some(0), None);
    let output =
        run(&["-o", "none.har"], &Command::new("no-such-command")).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("authtrail: 'no-such-command' cannot be started"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, ["authority"]);
}
