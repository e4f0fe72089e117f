# SPDX-License-Identifier: Apache-2.0
# bash completion for kesu; made by 'kesu completion bash'.
_kesu()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=() w
	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $w == -* ]] || words+=("$w"); done
	case $before in
	--*-dir|--maildir|--incoming) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
	--from|--lines|--file|--anchor|--allow) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
	esac
	if [[ ${words[0]} == act && $word != -* ]]; then
		local n=$COMP_CWORD; [[ $word != '=' ]] || n=$((n + 1))
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[@]:0:n}" --complete 2>/dev/null)" -- "${word#=}")
		[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
		return
	fi
	local common=' --run-dir --data-dir --peer --peer-keys --key-pair --timeout --json --help --version' offer=''
	case "${words[0]} ${words[1]}" in
	'up '*) offer=' --workers --policy-dir --smtp-url --mailbox --demo --complaints --rate --limit' ;;
	'submit '*) offer=' --text --subject --name --email --phone --chat --address --customer-id --channel --mailbox --external-id --demand --place --product --order --lot --waybill --branch --employee --tier --language --thread --reply-tag --anonymous --internal --from --lines --window' ;;
	'tail '*) offer=' --from --last --no-follow --limit --type --case --department --personal' ;;
	'show '*) offer=' --personal --as --explain --lang' ;;
	'list '*) offer=' --limit --before --stage --department --agent --severity --category --lot --incident --to-read --as' ;;
	'act '*) offer=' --as --on-behalf-of --from --expected-version --reason --lesson --capacity --complete' ;;
	'batch '*) offer=' --as --on-behalf-of --from --stage --department --agent --severity --category --lot --incident --to-read --limit --yes' ;;
	'history '*) offer=' --personal --as' ;;
	'customer change'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'customer merge'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'customer unmerge'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'customer suggest'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'customer dismiss'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'customer show'*) offer=' --personal' ;;
	'customer list'*) offer=' --limit --tier' ;;
	'customer suggestions'*) offer=' --limit' ;;
	'customer erase'*) offer=' --reason --yes --no-mails' ;;
	'incident list'*) offer=' --limit --open' ;;
	'incident show'*) offer='' ;;
	'incident create'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'incident add'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'incident remove'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'incident change'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'incident hold-lot'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'incident answer'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'incident close'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'eightd list'*) offer=' --limit --open --case' ;;
	'eightd show'*) offer='' ;;
	'eightd export'*) offer=' --html --lang' ;;
	'handover list'*) offer=' --limit --open --to' ;;
	'handover open'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'handover accept'*) offer=' --as --on-behalf-of --from --expected-version' ;;
	'stats '*) offer=' --by --since' ;;
	'top '*) offer=' --every --times' ;;
	'policy check'*) offer='' ;;
	'policy keys'*) offer='' ;;
	'policy diff'*) offer='' ;;
	'policy apply'*) offer=' --name' ;;
	'journal info'*) offer='' ;;
	'journal verify'*) offer=' --anchor --file' ;;
	'journal export'*) offer=' --from --to' ;;
	'backup '*) offer=' --keys --passphrase-file' ;;
	'restore '*) offer=' --reason --keys --passphrase-file --anchor --number-gap' ;;
	'fold list'*) offer='' ;;
	'fold verify'*) offer='' ;;
	'fold rebuild'*) offer='' ;;
	'fold skip'*) offer='' ;;
	'health '*) offer='' ;;
	'clocks '*) offer=' --limit' ;;
	'workers '*) offer='' ;;
	'deadletters list'*) offer=' --limit' ;;
	'deadletters resend'*) offer='' ;;
	'clock accept'*) offer='' ;;
	'keys new'*) offer=' --role --channels --name --allow' ;;
	'keys show'*) offer='' ;;
	'keys add'*) offer=' --role --channels --allow' ;;
	'keys remove'*) offer=' --allow' ;;
	'keys list'*) offer=' --allow' ;;
	'keys rotate'*) offer=' --allow' ;;
	'keys next'*) offer='' ;;
	'keys switch'*) offer='' ;;
	'keys roles'*) offer='' ;;
	'stages '*) offer='' ;;
	'demo '*) offer=' --complaints --rate --seed --follow --maildir --incoming --limit --print' ;;
	'completion '*) offer='' ;;
	'manual '*) offer='' ;;
	'help '*) offer='' ;;
	esac
	if [[ $word == -* ]]; then offer+=" $common"
	elif [[ ${#words[@]} -eq 0 ]]; then offer=' up submit tail show list act batch history customer incident eightd handover stats top policy journal backup restore fold health clocks workers deadletters clock keys stages demo completion manual help'
	elif [[ ${#words[@]} -eq 1 ]]; then
		case ${words[0]} in
		customer) offer='change merge unmerge suggest dismiss show list suggestions erase' ;;
		incident) offer='list show create add remove change hold-lot answer close' ;;
		eightd) offer='list show export' ;;
		handover) offer='list open accept' ;;
		policy) offer='check keys diff apply' ;;
		journal) offer='info verify export' ;;
		fold) offer='list verify rebuild skip' ;;
		deadletters) offer='list resend' ;;
		clock) offer='accept' ;;
		keys) offer='new show add remove list rotate next switch roles' ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$offer" -- "$word")
	[[ ${#COMPREPLY[@]} -gt 0 || $word == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _kesu kesu
